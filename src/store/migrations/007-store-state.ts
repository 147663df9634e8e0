import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

import type { Dialect } from '../dialect.ts';

/** Which log follows one that was ended; whether the store is closed, and from when on it was open again. */
export const storeState = ({ text }: Dialect): Migration => ({
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema.alterTable('log').addColumn('next', text).execute();
    await db.schema.alterTable('log').addColumn('ended_at', 'bigint').execute();
    await db.schema.alterTable('log').addColumn('why', text).execute();
    await db.schema
      .createTable('store_state')
      .addColumn('only', 'integer', (column) => column.primaryKey())
      .addColumn('opened_at', 'bigint')
      .addColumn('closed_since', 'bigint')
      .addColumn('closed_why', text)
      .addColumn('closed_detail', text)
      .execute();
    const tables = db as Kysely<{ store_state: { only: number } }>;
    await tables.insertInto('store_state').values({ only: 1 }).execute();
  },
});
