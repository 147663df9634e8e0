import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

import type { Dialect } from '../dialect.ts';

/** What the files that trust rests on held when they were whole last, replica by replica. */
export const wholeFiles = ({ text }: Dialect): Migration => ({
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable('whole_file')
      .addColumn('replica', text, (column) => column.notNull())
      .addColumn('file', text, (column) => column.notNull())
      .addColumn('text', text, (column) => column.notNull())
      .addColumn('seal', text, (column) => column.notNull())
      .addColumn('at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('whole_file_key', ['replica', 'file'])
      .execute();
  },
});
