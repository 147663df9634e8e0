import type { Kysely } from 'kysely';
import { Migrator } from 'kysely/migration';

import type { Dialect } from '../dialect.ts';
import type { Tables } from '../schema.ts';
import { first } from './001-first.ts';
import { log } from './002-log.ts';
import { checkpoints } from './003-checkpoints.ts';
import { statements } from './004-statements.ts';
import { storeState } from './007-store-state.ts';
import { streamCursors } from './005-stream-cursors.ts';
import { segments } from './006-segments.ts';

/** Brings the tables to the newest version, each migration once. @throws whatever the first that fails throws */
export async function migrate(db: Kysely<Tables>, dialect: Dialect): Promise<void> {
  const migrations = {
    '001-first': first(dialect),
    '002-log': log(dialect),
    '003-checkpoints': checkpoints(dialect),
    '004-statements': statements(dialect),
    '007-store-state': storeState(dialect),
    '005-stream-cursors': streamCursors(dialect),
    '006-segments': segments(dialect),
  };
  const provider = { getMigrations: () => Promise.resolve(migrations) };
  const { error } = await new Migrator({ db, provider }).migrateToLatest();
  if (error !== undefined) throw error as Error;
}
