import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

import type { Dialect } from '../dialect.ts';

/** Replay protection, counts of refusals, care locations and objections. */
export const first = ({ text }: Dialect): Migration => ({
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable('spent')
      .addColumn('issuer', text, (column) => column.notNull())
      .addColumn('jti', text, (column) => column.notNull())
      .addColumn('keep_until', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('spent_once', ['issuer', 'jti'])
      .execute();
    await db.schema.createIndex('spent_by_time').on('spent').column('keep_until').execute();

    await db.schema
      .createTable('refusal_count')
      .addColumn('code', text, (column) => column.notNull())
      .addColumn('minute', 'bigint', (column) => column.notNull())
      .addColumn('count', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('one_a_minute', ['minute', 'code'])
      .execute();

    await db.schema
      .createTable('care_location')
      .addColumn('patient', text, (column) => column.notNull())
      .addColumn('organisation', text, (column) => column.notNull())
      .addColumn('source', text, (column) => column.notNull())
      .addColumn('first_seen', 'bigint', (column) => column.notNull())
      .addColumn('last_seen', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('one_location', ['patient', 'organisation', 'source'])
      .execute();

    await db.schema
      .createTable('objection')
      .addColumn('patient', text, (column) => column.notNull())
      .addColumn('kind', text, (column) => column.notNull())
      .addColumn('from_time', 'bigint', (column) => column.notNull())
      .addColumn('until_time', 'bigint')
      .addPrimaryKeyConstraint('one_objection', ['patient', 'kind'])
      .execute();
  },
});
