import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

import type { Dialect } from '../dialect.ts';

/** How far each stream has handed on each log: a row a stream, found by its key. */
export const streamCursors = ({ text }: Dialect): Migration => ({
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable('stream_cursor')
      .addColumn('stream', text, (column) => column.notNull())
      .addColumn('log', text, (column) => column.notNull())
      .addColumn('next', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('one_cursor', ['stream', 'log'])
      .execute();
  },
});
