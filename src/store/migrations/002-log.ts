import { sql, type Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

import type { Dialect } from '../dialect.ts';

/** The logs: one row for each, their entries, what is sealed of these, the tiles of their trees, and open work. */
export const log = ({ bytes, text }: Dialect): Migration => ({
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable('log')
      .addColumn('log', text, (column) => column.primaryKey())
      .addColumn('size', 'bigint', (column) => column.notNull())
      .addColumn('frontier', bytes, (column) => column.notNull())
      .execute();

    await db.schema
      .createTable('log_entry')
      .addColumn('log', text, (column) => column.notNull())
      .addColumn('sequence', 'bigint', (column) => column.notNull())
      .addColumn('at', 'bigint', (column) => column.notNull())
      .addColumn('event', text, (column) => column.notNull())
      .addColumn('exchange', text, (column) => column.notNull())
      .addColumn('region', text)
      .addColumn('jti', text)
      .addColumn('patient', text)
      .addColumn('user', text)
      .addColumn('organisation', text)
      .addColumn('outcome', text)
      .addColumn('break_glass', 'integer', (column) => column.notNull())
      .addColumn('leaf', bytes, (column) => column.notNull())
      .addColumn('leaf_hash', bytes, (column) => column.notNull())
      .addPrimaryKeyConstraint('log_order', ['log', 'sequence'])
      .execute();
    // Each is in the order that a search gives: newest first, and a fixed order among what happened at once.
    for (const found of ['event', 'region', 'patient', 'user', 'organisation', 'outcome']) {
      await db.schema
        .createIndex(`log_entry_by_${found}`)
        .on('log_entry')
        .columns([found, 'at', 'log', 'sequence'])
        .where(sql.ref(found), 'is not', null)
        .execute();
    }
    await db.schema
      .createIndex('log_entry_by_time')
      .on('log_entry')
      .columns(['at', 'log', 'sequence'])
      .execute();
    await db.schema
      .createIndex('log_entry_by_break_glass')
      .on('log_entry')
      .columns(['at', 'log', 'sequence'])
      .where(sql.ref('break_glass'), '=', 1)
      .execute();
    for (const found of ['exchange', 'jti']) {
      await db.schema.createIndex(`log_entry_by_${found}`).on('log_entry').column(found).execute();
    }

    await db.schema
      .createTable('log_sealed')
      .addColumn('log', text, (column) => column.notNull())
      .addColumn('sequence', 'bigint', (column) => column.notNull())
      .addColumn('wrapped_by', text, (column) => column.notNull())
      .addColumn('wrapped_key', bytes, (column) => column.notNull())
      .addColumn('ciphertext', bytes, (column) => column.notNull())
      .addPrimaryKeyConstraint('sealed_once', ['log', 'sequence'])
      .execute();

    await db.schema
      .createTable('log_tile')
      .addColumn('log', text, (column) => column.notNull())
      .addColumn('level', 'integer', (column) => column.notNull())
      .addColumn('tile', 'bigint', (column) => column.notNull())
      .addColumn('hashes', bytes, (column) => column.notNull())
      .addPrimaryKeyConstraint('one_tile', ['log', 'level', 'tile'])
      .execute();

    await db.schema
      .createTable('open_work')
      .addColumn('log', text, (column) => column.notNull())
      .addColumn('exchange', text, (column) => column.notNull())
      .addColumn('sequence', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('one_work', ['log', 'exchange'])
      .execute();
  },
});
