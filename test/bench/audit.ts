import { mkdirSync, rmSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import type { Store } from '../../src/store/contracts.ts';
import { openPostgresStore } from '../../src/store/postgres/store.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { PostgresServer } from '../support/postgres.ts';
import { flushRate, postgresCommits, sqliteCommits, type Commits } from './audit-floor.ts';
import {
  appendAtOnce,
  leaveTail,
  ORIGIN,
  searches,
  smallEntry,
  startMs,
  verified,
  type Appended,
} from './audit-log.ts';
import { auditTable, type Sized, type StoreReport } from './audit-report.ts';
import { ROOT } from './places.ts';

/**
 * What the log costs, beside the machine's own flushes and each store's own single-row commits, measured in the same
 * run. `npm run bench:audit`; `-- --entries 100000,1000000` for the sizes that are searched and started with,
 * `-- --store sqlite` for one store, `-- --json` for the numbers.
 */
const { values } = parseArgs({
  options: {
    entries: { type: 'string', default: '1000,100000' },
    store: { type: 'string', default: 'sqlite,postgres' },
    json: { type: 'boolean', default: false },
  },
});
const SIZES = values.entries.split(',').map(Number);
const STORES = values.store.split(',');
const DIRECTORY = join(ROOT, 'var/bench-audit');
const RUN_MS = 3_000;
const CONCURRENT = [1, 8, 64];
/** A year, which the small entries lie in. */
const SPAN_MS = 365 * 86_400_000;
const AT_ONCE = 2_000;

/** A store that can be opened again, and a second one for small entries. */
interface Place {
  readonly name: string;
  readonly commits: () => Promise<Commits>;
  readonly open: (which: 'sealed' | 'small') => Promise<Store>;
  readonly bytes: (which: 'sealed' | 'small') => Promise<number>;
}

rmSync(DIRECTORY, { recursive: true, force: true });
mkdirSync(DIRECTORY, { recursive: true });
const flushes = flushRate(join(DIRECTORY, 'flush'));
const stores: StoreReport[] = [];
if (STORES.includes('sqlite')) stores.push(await measure(sqlite()));
if (STORES.includes('postgres')) {
  const server = await PostgresServer.start();
  try {
    stores.push(await measure(await postgres(server)));
  } finally {
    await server.stop();
  }
}
rmSync(DIRECTORY, { recursive: true, force: true });
const report = { processors: availableParallelism(), flushes, stores };
console.log(values.json ? JSON.stringify(report, undefined, 2) : auditTable(report));

function sqlite(): Place {
  const file = (which: string): string => join(DIRECTORY, `${which}.db`);
  return {
    name: 'SQLite',
    commits: () => sqliteCommits(join(DIRECTORY, 'rows.db')),
    open: (which) => openSqliteStore(file(which)),
    bytes: (which) => Promise.resolve(statSync(file(which)).size),
  };
}

async function postgres(server: PostgresServer): Promise<Place> {
  const urls = { sealed: await server.newDatabase(), small: await server.newDatabase() };
  const nameOf = (url: string): string => /[^/]*(?=\?)/.exec(url)?.[0] ?? '';
  return {
    name: 'PostgreSQL',
    commits: async () => postgresCommits(await server.newDatabase()),
    open: (which) => openPostgresStore(urls[which]),
    bytes: async (which) => {
      const [row] = await server.query('SELECT pg_database_size($1) AS bytes', [nameOf(urls[which])]);
      return Number(row?.['bytes']);
    },
  };
}

async function measure(place: Place): Promise<StoreReport> {
  tell(`${place.name}: single-row commits, then entries`);
  const commits = await place.commits();
  let store = await place.open('sealed');
  await appendAtOnce(store, 64, 1_000);
  const appended: Appended[] = [];
  for (const concurrent of CONCURRENT) appended.push(await appendAtOnce(store, concurrent, RUN_MS));
  const { size } = await store.log.head(ORIGIN);
  // Closed, so that all is in the file that is weighed.
  await store.close();
  const bytesPerEntry = (await place.bytes('sealed')) / size;
  store = await place.open('sealed');
  const leaves = await verified(store, false);
  const sealed = await verified(store, true);
  await store.close();
  const sizes: Sized[] = [];
  for (const entries of SIZES) {
    const sized = await atSize(place, entries);
    tell(JSON.stringify(sized));
    sizes.push(sized);
  }
  return { name: place.name, commits, appended, bytesPerEntry, verified: { leaves, sealed }, sizes };
}

/** Fills the store with small entries up to a size, then searches, verifies and starts. */
async function atSize(place: Place, entries: number): Promise<Sized> {
  let store = await place.open('small');
  const began = Date.parse('2026-01-01');
  const timeOf = (nth: number): number => began + Math.floor((nth / entries) * SPAN_MS);
  let told = performance.now();
  for (let { size } = await store.log.head(ORIGIN); size < entries;) {
    const some = Array.from({ length: Math.min(AT_ONCE, entries - size) }, (_, nth) =>
      smallEntry(size + nth, timeOf(size + nth)),
    );
    await store.log.append(ORIGIN, [{ entries: some }]);
    size += some.length;
    if (performance.now() - told > 10_000) {
      told = performance.now();
      tell(`${place.name}: ${size} of ${entries} small entries`);
    }
  }
  await leaveTail(store);
  const { size } = await store.log.head(ORIGIN);
  await store.close();
  const bytesPerEntry = (await place.bytes('small')) / size;
  const took: number[] = [];
  for (let turn = 0; turn < 5; turn += 1) took.push(await startMs(() => place.open('small')));
  store = await place.open('small');
  const found = await searches(store, { from: began, to: began + SPAN_MS });
  const leaves = await verified(store, false);
  await store.close();
  const start = took.toSorted((one, other) => one - other)[2] ?? Number.NaN;
  return { entries, bytesPerEntry, verified: leaves, startMs: start, searches: found };
}

/** To standard error: standard output has the report alone. */
function tell(line: string): void {
  console.error(line);
}
