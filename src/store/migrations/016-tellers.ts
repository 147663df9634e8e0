import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

import type { Dialect } from '../dialect.ts';

/** What neighbours told: of a patient; and neighbour by neighbour: taken in turn, counted by day, found to be forgotten. */
export const tellers = ({ text }: Dialect): Migration => ({
  async up(db: Kysely<unknown>): Promise<void> {
    // A few stores have it since they were made.
    await db.schema
      .createIndex('notice_inbox_by_patient')
      .ifNotExists()
      .on('notice_inbox')
      .columns(['patient', 'last_told'])
      .execute();
    await db.schema
      .createIndex('notice_inbox_by_sender')
      .on('notice_inbox')
      .columns(['sender', 'next'])
      .execute();
    await db.schema
      .createIndex('known_region_by_teller')
      .on('known_region')
      .columns(['told_by', 'patient'])
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
