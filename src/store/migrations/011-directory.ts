import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

import type { Dialect } from '../dialect.ts';

/**
 * The imported directory. A version belongs to the generations from `added` to `removed` (not included); which generation
 * counts is one row, so that a change of thousands of versions counts from one moment on.
 */
export const directory = ({ text }: Dialect): Migration => ({
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable('directory_version')
      .addColumn('code', text, (column) => column.notNull())
      .addColumn('kind', text, (column) => column.notNull())
      .addColumn('seen', text, (column) => column.notNull())
      .addColumn('facts', text, (column) => column.notNull())
      .addColumn('added', 'bigint', (column) => column.notNull())
      .addColumn('removed', 'bigint')
      .addPrimaryKeyConstraint('one_version', ['code', 'kind', 'seen', 'added'])
      .execute();
    await db.schema
      .createTable('directory_import')
      .addColumn('kind', text, (column) => column.notNull())
      .addColumn('date', text, (column) => column.notNull())
      .addColumn('file', text, (column) => column.notNull())
      .addColumn('sha256', text, (column) => column.notNull())
      .addColumn('lines', 'bigint', (column) => column.notNull())
      .addColumn('refused', 'bigint', (column) => column.notNull())
      .addColumn('at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('one_import', ['kind', 'date', 'sha256'])
      .execute();
    await db.schema
      .createTable('directory_generation')
      .addColumn('only', 'integer', (column) => column.primaryKey())
      .addColumn('generation', 'bigint', (column) => column.notNull())
      .addColumn('claim', 'bigint', (column) => column.notNull())
      .execute();
  },
});
