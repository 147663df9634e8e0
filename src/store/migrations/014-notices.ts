import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

import type { Dialect } from '../dialect.ts';

/** Which regions hold something of our patients; what neighbours told that is not decided yet; what we are to tell. */
export const notices = ({ text, bytes }: Dialect): Migration => ({
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable('known_region')
      .addColumn('patient', text, (column) => column.notNull())
      .addColumn('region', text, (column) => column.notNull())
      .addColumn('how', text, (column) => column.notNull())
      .addColumn('told_by', text, (column) => column.notNull())
      .addColumn('first_told', 'bigint', (column) => column.notNull())
      .addColumn('last_told', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('one_known_region', ['patient', 'region', 'how', 'told_by'])
      .execute();
    await db.schema
      .createIndex('known_region_by_time')
      .on('known_region')
      .columns(['last_told', 'patient'])
      .execute();

    await db.schema
      .createTable('notice_inbox')
      .addColumn('sender', text, (column) => column.notNull())
      .addColumn('patient', text, (column) => column.notNull())
      .addColumn('region', text, (column) => column.notNull())
      .addColumn('how', text, (column) => column.notNull())
      .addColumn('sealed_number', bytes, (column) => column.notNull())
      .addColumn('first_told', 'bigint', (column) => column.notNull())
      .addColumn('last_told', 'bigint', (column) => column.notNull())
      .addColumn('next', 'bigint', (column) => column.notNull())
      .addColumn('tries', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('one_told', ['sender', 'patient', 'region', 'how'])
      .execute();
    await db.schema.createIndex('notice_inbox_by_time').on('notice_inbox').columns(['next']).execute();

    await db.schema
      .createTable('notice_queue')
      .addColumn('patient', text, (column) => column.notNull())
      .addColumn('kind', text, (column) => column.notNull())
      .addColumn('state', text, (column) => column.notNull())
      .addColumn('home', text, (column) => column.notNull())
      .addColumn('sealed_number', bytes)
      .addColumn('queued', 'bigint', (column) => column.notNull())
      .addColumn('since', 'bigint', (column) => column.notNull())
      .addColumn('next', 'bigint', (column) => column.notNull())
      .addColumn('tries', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('one_notice', ['patient', 'kind'])
      .execute();
    // Some millions of rows are told or settled; those that wait are few.
    await db.schema
      .createIndex('notice_queue_by_time')
      .on('notice_queue')
      .columns(['state', 'home', 'next'])
      .execute();

    await db.schema
      .createTable('leaver_cursor')
      .addColumn('only', 'bigint', (column) => column.primaryKey())
      .addColumn('until_time', 'bigint', (column) => column.notNull())
      .addColumn('patient', text, (column) => column.notNull())
      .execute();
  },
});
