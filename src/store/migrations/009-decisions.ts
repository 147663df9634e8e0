import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

import type { Dialect } from '../dialect.ts';

/** What was decided on whom we trust, in order, without gaps. */
export const decisions = ({ text }: Dialect): Migration => ({
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable('decision')
      .addColumn('sequence', 'bigint', (column) => column.primaryKey())
      .addColumn('at', 'bigint', (column) => column.notNull())
      .addColumn('kind', text, (column) => column.notNull())
      .addColumn('region', text, (column) => column.notNull())
      .addColumn('decided_by', text, (column) => column.notNull())
      .addColumn('exchange', text, (column) => column.notNull())
      .addColumn('detail', text, (column) => column.notNull())
      .addColumn('seal', text, (column) => column.notNull())
      .execute();
  },
});
