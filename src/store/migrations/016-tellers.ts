import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

import type { Dialect } from '../dialect.ts';

/** What neighbours told, neighbour by neighbour: taken in turn, counted by day. */
export const tellers = ({ text }: Dialect): Migration => ({
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createIndex('notice_inbox_by_sender')
      .on('notice_inbox')
      .columns(['sender', 'next'])
      .execute();
    await db.schema
      .createTable('told_count')
      .addColumn('day', 'integer', (column) => column.notNull())
      .addColumn('teller', text, (column) => column.notNull())
      .addColumn('how', text, (column) => column.notNull())
      .addColumn('what', text, (column) => column.notNull())
      .addColumn('count', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('one_told_count', ['day', 'teller', 'how', 'what'])
      .execute();
  },
});
