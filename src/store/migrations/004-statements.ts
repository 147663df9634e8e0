import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

import type { Dialect } from '../dialect.ts';

/** Every entity statement that was verified and used, ours and our neighbours'. */
export const statements = ({ text }: Dialect): Migration => ({
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable('statement')
      .addColumn('entity', text, (column) => column.notNull())
      .addColumn('sequence', 'bigint', (column) => column.notNull())
      .addColumn('digest', text, (column) => column.notNull())
      .addColumn('at', 'bigint', (column) => column.notNull())
      .addColumn('token', text, (column) => column.notNull())
      .addPrimaryKeyConstraint('one_statement', ['entity', 'sequence', 'digest'])
      .execute();
  },
});
