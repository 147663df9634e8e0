import type { Kysely } from 'kysely';
import { Migrator } from 'kysely/migration';

import { SQLITE, type Dialect } from '../dialect.ts';
import type { Tables } from '../schema.ts';
import { first } from './001-first.ts';
import { log } from './002-log.ts';
import { checkpoints } from './003-checkpoints.ts';
import { statements } from './004-statements.ts';
import { streamCursors } from './005-stream-cursors.ts';
import { segments } from './006-segments.ts';
import { storeState } from './007-store-state.ts';
import { logSpeed } from './008-log-speed.ts';
import { decisions } from './009-decisions.ts';
import { wholeFiles } from './010-whole-files.ts';
import { directory } from './011-directory.ts';
import { register } from './012-register.ts';
import { careLocations } from './013-care-locations.ts';
import { notices } from './014-notices.ts';
import { toldRestrictions } from './015-told-restrictions.ts';
import { tellers } from './016-tellers.ts';

const migrationsFor = (dialect: Dialect) => ({
  '001-first': first(dialect),
  '002-log': log(dialect),
  '003-checkpoints': checkpoints(dialect),
  '004-statements': statements(dialect),
  '005-stream-cursors': streamCursors(dialect),
  '006-segments': segments(dialect),
  '007-store-state': storeState(dialect),
  '008-log-speed': logSpeed(dialect),
  '009-decisions': decisions(dialect),
  '010-whole-files': wholeFiles(dialect),
  '011-directory': directory(dialect),
  '012-register': register(dialect),
  '013-care-locations': careLocations(dialect),
  '014-notices': notices(dialect),
  '015-told-restrictions': toldRestrictions(dialect),
  '016-tellers': tellers(dialect),
});

/** The last migration: what the tables of this program are the version of. */
export const NEWEST_VERSION = Object.keys(migrationsFor(SQLITE)).toSorted().at(-1) ?? '';

/** Brings the tables to the newest version, each migration once. @throws whatever the first that fails throws */
export async function migrate(db: Kysely<Tables>, dialect: Dialect): Promise<void> {
  const provider = { getMigrations: () => Promise.resolve(migrationsFor(dialect)) };
  const { error } = await new Migrator({ db, provider }).migrateToLatest();
  if (error !== undefined) throw error as Error;
}
