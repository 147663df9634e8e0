import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

import type { Dialect } from '../dialect.ts';

/** The patients of the region's own practices, and how its register was read last. */
export const register = ({ bytes, text }: Dialect): Migration => ({
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable('register')
      .addColumn('patient', text, (column) => column.primaryKey().notNull())
      .addColumn('sealed_number', bytes, (column) => column.notNull())
      .addColumn('practice', text, (column) => column.notNull())
      .addColumn('from_time', 'bigint')
      .addColumn('until_time', 'bigint')
      .addColumn('read_at', 'bigint', (column) => column.notNull())
      .execute();
    // Of those who have left alone: a reading touches everybody, and must not touch an index for each.
    await db.schema
      .createIndex('register_leavers')
      .on('register')
      .columns(['until_time', 'patient'])
      .where('until_time', 'is not', null)
      .execute();
    await db.schema
      .createTable('register_state')
      .addColumn('only', 'integer', (column) => column.primaryKey().notNull())
      .addColumn('read_at', 'bigint', (column) => column.notNull())
      .addColumn('whole_at', 'bigint')
      .execute();
  },
});
