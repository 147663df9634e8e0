import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

import type { Dialect } from '../dialect.ts';

/**
 * Runs of a log's entries that lie in files of their own; where it was pruned, the entries are there alone. What opens
 * them stays in a table of its own: beside what is sealed, its rows would keep the room that these took.
 */
export const segments = ({ bytes, text }: Dialect): Migration => ({
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable('log_segment')
      .addColumn('log', text, (column) => column.notNull())
      .addColumn('first', 'bigint', (column) => column.notNull())
      .addColumn('until', 'bigint', (column) => column.notNull())
      .addColumn('file', text, (column) => column.notNull())
      .addColumn('sha256', text, (column) => column.notNull())
      .addColumn('oldest', 'bigint', (column) => column.notNull())
      .addColumn('newest', 'bigint', (column) => column.notNull())
      .addColumn('archived_at', 'bigint', (column) => column.notNull())
      .addColumn('pruned_at', 'bigint')
      .addPrimaryKeyConstraint('one_segment', ['log', 'first'])
      .execute();
    await db.schema.createIndex('log_segment_by_time').on('log_segment').column('newest').execute();

    await db.schema
      .createTable('log_key')
      .addColumn('log', text, (column) => column.notNull())
      .addColumn('sequence', 'bigint', (column) => column.notNull())
      .addColumn('wrapped_by', text, (column) => column.notNull())
      .addColumn('wrapped_key', bytes, (column) => column.notNull())
      .addPrimaryKeyConstraint('one_key', ['log', 'sequence'])
      .execute();
  },
});
