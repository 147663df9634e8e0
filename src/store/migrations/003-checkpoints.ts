import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

import type { Dialect } from '../dialect.ts';

/** Our logs' checkpoints, what we cosigned last for others, and forks that we saw. */
export const checkpoints = ({ text }: Dialect): Migration => ({
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable('checkpoint')
      .addColumn('log', text, (column) => column.notNull())
      .addColumn('size', 'bigint', (column) => column.notNull())
      .addColumn('at', 'bigint', (column) => column.notNull())
      .addColumn('note', text, (column) => column.notNull())
      .addPrimaryKeyConstraint('one_checkpoint', ['log', 'size'])
      .execute();
    await db.schema
      .createTable('witnessed')
      .addColumn('origin', text, (column) => column.primaryKey())
      .addColumn('size', 'bigint', (column) => column.notNull())
      .addColumn('at', 'bigint', (column) => column.notNull())
      .addColumn('note', text, (column) => column.notNull())
      .execute();
    await db.schema
      .createTable('fork')
      .addColumn('origin', text, (column) => column.notNull())
      .addColumn('at', 'bigint', (column) => column.notNull())
      .addColumn('held', text, (column) => column.notNull())
      .addColumn('seen', text, (column) => column.notNull())
      .addColumn('digest', text, (column) => column.primaryKey())
      .execute();
    await db.schema.createIndex('fork_by_time').on('fork').column('at').execute();
  },
});
