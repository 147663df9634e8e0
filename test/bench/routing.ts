import { execFile } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';

import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { PostgresServer } from '../support/postgres.ts';
import { appendAtOnce } from './audit-log.ts';
import { writeRows, type ImportFigures, type LookFigures } from './care-index.ts';
import { planCost } from './plan-cost.ts';
import { ROOT } from './places.ts';
import { routingTable, type Beside, type SizedIndex } from './routing-report.ts';

/**
 * What routing costs: the care-location index by size, what an import does to a broker beside it, and a plan. `npm run
 * bench:routing`; `-- --large` for 10,000,000 patients as well, `-- --patients 100000` for other sizes, `-- --store sqlite`
 * for one store, `-- --json` for the numbers.
 */
const { values } = parseArgs({
  options: {
    patients: { type: 'string', default: '100000,1000000' },
    large: { type: 'boolean', default: false },
    store: { type: 'string', default: 'sqlite,postgres' },
    json: { type: 'boolean', default: false },
  },
});
const SIZES = [...values.patients.split(',').map(Number), ...(values.large ? [10_000_000] : [])];
const STORES = values.store.split(',');
/** PostgreSQL up to here: beyond, it is a matter of its server's memory. */
const MOST_POSTGRES = 1_000_000;
const DIRECTORY = join(ROOT, 'var/bench-routing');
const WORKER = join(import.meta.dirname, 'care-index.ts');
const run = promisify(execFile);

rmSync(DIRECTORY, { recursive: true, force: true });
mkdirSync(DIRECTORY, { recursive: true });
const indexes: SizedIndex[] = [];
let beside: Beside | undefined;
if (STORES.includes('sqlite')) {
  for (const patients of SIZES) {
    const store = join(DIRECTORY, `${patients}.db`);
    indexes.push(await atSize('SQLite', store, patients));
    if (patients === Math.min(...SIZES)) beside = await besideABroker(store, patients);
    rmSync(store);
  }
}
if (STORES.includes('postgres')) {
  const server = await PostgresServer.start();
  try {
    for (const patients of SIZES.filter((size) => size <= MOST_POSTGRES)) {
      indexes.push(await atSize('PostgreSQL', await server.newDatabase(), patients));
    }
  } finally {
    await server.stop();
  }
}
const store = await openSqliteStore(join(DIRECTORY, 'plan.db'));
const plan = await planCost(store);
await store.close();
rmSync(DIRECTORY, { recursive: true, force: true });
const report = { processors: availableParallelism(), indexes, beside, plan };
console.log(values.json ? JSON.stringify(report, undefined, 2) : routingTable(report));

async function atSize(name: string, url: string, patients: number): Promise<SizedIndex> {
  const file = join(DIRECTORY, 'rows.csv');
  await writeRows(file, patients, 'together');
  const imported = await work<ImportFigures>('import', url, file);
  const again = await work<ImportFigures>('import', url, file);
  rmSync(file);
  const looked = await work<LookFigures>('look', url, '-', String(patients));
  const sized = { name, patients, imported, again, looked };
  console.error(JSON.stringify(sized));
  return sized;
}

/** Entries that a broker writes to its log while another process imports, and while none does. */
async function besideABroker(url: string, patients: number): Promise<Beside> {
  const file = join(DIRECTORY, 'more.csv');
  await writeRows(file, patients, 'apart', 2 * patients);
  const broker = await openSqliteStore(url);
  await appendAtOnce(broker, 4, 500);
  const alone = await appendAtOnce(broker, 4, 3_000);
  let done = false;
  const importing = work<ImportFigures>('import', url, file).finally(() => (done = true));
  const during: number[] = [];
  const p99: number[] = [];
  while (!done) {
    const some = await appendAtOnce(broker, 4, 500);
    during.push(some.p50Ms);
    p99.push(some.p99Ms);
  }
  const imported = await importing;
  await broker.close();
  rmSync(file);
  const median = during.toSorted((one, other) => one - other)[Math.floor(during.length / 2)] ?? Number.NaN;
  return {
    alone: { p50Ms: alone.p50Ms, p99Ms: alone.p99Ms },
    during: { p50Ms: median, p99Ms: Math.max(...p99) },
    rowsPerSecond: imported.rows / imported.seconds,
  };
}

async function work<Figures>(...words: readonly string[]): Promise<Figures> {
  const { stdout } = await run(process.execPath, [WORKER, ...words]);
  return JSON.parse(stdout) as Figures;
}
