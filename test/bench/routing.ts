import { execFile } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';

import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { PostgresServer } from '../support/postgres.ts';
import { appendAtOnce } from './audit-log.ts';
import { writeRows, type ImportFigures, type LookFigures } from './care-index.ts';
import { directoryFiles, type DirectoryFigures } from './directory-import.ts';
import { planCost } from './plan-cost.ts';
import { ROOT } from './places.ts';
import { routingTable, type Beside, type ImportedDirectory, type SizedIndex } from './routing-report.ts';

/**
 * What routing costs: the care-location index by size, what an import does to a broker beside it, an import of the directory of
 * organisations, and a plan. `npm run bench:routing`; `-- --large` for 10,000,000 patients as well, `-- --patients 100000` for other sizes, `-- --store sqlite`
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
/** Every patient put into the queue of notices, up to here: beyond, it takes as long again. */
const MOST_NOTICED = 1_000_000;
const DIRECTORY = join(ROOT, 'var/bench-routing');
const INDEX = join(import.meta.dirname, 'care-index.ts');
const ORGANISATIONS = join(import.meta.dirname, 'directory-import.ts');
const run = promisify(execFile);

rmSync(DIRECTORY, { recursive: true, force: true });
mkdirSync(DIRECTORY, { recursive: true });
const indexes: SizedIndex[] = [];
const directories: ImportedDirectory[] = [];
let beside: Beside | undefined;
if (STORES.includes('sqlite')) {
  directories.push(await directoryInto('SQLite', join(DIRECTORY, 'directory.db')));
  for (const patients of SIZES) {
    const store = join(DIRECTORY, `${patients}.db`);
    const another = (): Promise<string> => Promise.resolve(join(DIRECTORY, `${patients}-noticed.db`));
    indexes.push(await atSize('SQLite', patients, store, another));
    if (patients === Math.min(...SIZES)) beside = await besideABroker(store, patients);
    rmSync(store);
  }
}
if (STORES.includes('postgres')) {
  const server = await PostgresServer.start();
  try {
    directories.push(await directoryInto('PostgreSQL', await server.newDatabase()));
    for (const patients of SIZES) {
      const [url, another] = [await server.newDatabase(), () => server.newDatabase()];
      indexes.push(await atSize('PostgreSQL', patients, url, another));
    }
  } finally {
    await server.stop();
  }
}
const store = await openSqliteStore(join(DIRECTORY, 'plan.db'));
const plan = await planCost(store);
await store.close();
rmSync(DIRECTORY, { recursive: true, force: true });
const report = { processors: availableParallelism(), indexes, directories, beside, plan };
console.log(values.json ? JSON.stringify(report, undefined, 2) : routingTable(report));

async function atSize(
  name: string,
  patients: number,
  url: string,
  another: () => Promise<string>,
): Promise<SizedIndex> {
  const file = join(DIRECTORY, 'rows.csv');
  await writeRows(file, patients, 'together');
  const imported = await work<ImportFigures>(INDEX, 'import', url, file);
  const again = await work<ImportFigures>(INDEX, 'import', url, file);
  const noticed =
    patients > MOST_NOTICED ? undefined : await work<ImportFigures>(INDEX, 'notice', await another(), file);
  rmSync(file);
  const looked = await work<LookFigures>(INDEX, 'look', url, '-', String(patients));
  const sized = { name, patients, imported, again, noticed, looked };
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
  const importing = work<ImportFigures>(INDEX, 'import', url, file).finally(() => (done = true));
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

async function directoryInto(name: string, url: string): Promise<ImportedDirectory> {
  const { files, arePublished } = directoryFiles(join(DIRECTORY, 'organisations'));
  const figures = await work<DirectoryFigures>(ORGANISATIONS, url, ...files);
  return { name, arePublished, files: files.length, ...figures };
}

async function work<Figures>(...words: readonly string[]): Promise<Figures> {
  const { stdout } = await run(process.execPath, [...words]);
  return JSON.parse(stdout) as Figures;
}
