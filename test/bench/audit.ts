import { randomBytes, randomUUID } from 'node:crypto';
import { closeSync, fdatasyncSync, mkdirSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { parseArgs } from 'node:util';

import { AuditLog } from '../../src/audit/log.ts';
import { Keyring } from '../../src/audit/sealing.ts';
import { AuditTrail, type Asking } from '../../src/audit/trail.ts';
import { keyedDigest } from '../../src/evidence/seal.ts';
import type { Store } from '../../src/store/contracts.ts';
import { openPostgresStore } from '../../src/store/postgres/store.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { append, emptyFrontier } from '../../src/tlog/frontier.ts';
import { leafHash } from '../../src/tlog/merkle.ts';
import { PostgresServer } from '../support/postgres.ts';
import { ROOT } from './places.ts';

/**
 * What the log costs, beside the machine's own fsync and single-row commits, measured in the same run.
 * `npm run bench:audit`; `-- --entries N` for the size that is searched (default 100,000).
 */
const { values } = parseArgs({ options: { entries: { type: 'string', default: '100000' } } });
const SEARCHED = Number(values.entries);
const DIRECTORY = join(ROOT, 'var/bench-audit');
const RUN_MS = 3_000;
const CONCURRENT = [1, 8, 64];
const ORIGIN = 'bench.wayleave.example/log/1';
const TOKEN = randomBytes(1_000).toString('base64url');
const RESOURCES = Array.from({ length: 6 }, (_, at) => ({
  record: 'bench-record',
  resource: `Condition/${at}`,
  version: '1',
  digest: randomBytes(32).toString('base64url'),
}));

rmSync(DIRECTORY, { recursive: true, force: true });
mkdirSync(DIRECTORY, { recursive: true });
const fsyncs = fsyncRate();
console.log(`fdatasync of one page: ${fsyncs.toFixed(0)}/s`);
console.log(`single-row commits, SQLite: ${commitRate().toFixed(0)}/s`);
await measure('SQLite', () => openSqliteStore(join(DIRECTORY, 'log.db')), true);
const postgres = await PostgresServer.start();
try {
  const url = await postgres.newDatabase();
  await measure('PostgreSQL', () => openPostgresStore(url), false);
} finally {
  await postgres.stop();
}

async function measure(name: string, open: () => Promise<Store>, onDisk: boolean): Promise<void> {
  const store = await open();
  const key = randomBytes(32);
  const log = new AuditLog({
    store: store.log,
    origin: ORIGIN,
    keyring: new Keyring([key]),
    digest: (value) => keyedDigest(key, value),
    now: Date.now,
  });
  const trail = new AuditTrail(log, store.log, Date.now);
  for (const concurrent of CONCURRENT) {
    const { entries, times } = await run(trail, concurrent);
    const perSecond = (entries / RUN_MS) * 1000;
    console.log(
      `${name}, ${concurrent} queries at once: ${perSecond.toFixed(0)} entries/s (${(perSecond / fsyncs).toFixed(1)} x fdatasync), ` +
        `added to a query: p50 ${quantile(times, 0.5)} ms, p99 ${quantile(times, 0.99)} ms`,
    );
  }
  const filled = (await store.log.head(ORIGIN)).size;
  if (onDisk) {
    const bytes = statSync(join(DIRECTORY, 'log.db')).size;
    console.log(`${name}: ${(bytes / filled).toFixed(0)} bytes an entry, sealed values and indexes included`);
  }
  for (let size = filled; size < SEARCHED;) size = await fill(trail, store);
  const { size } = await store.log.head(ORIGIN);
  await verify(name, store, size);
  await search(name, store, size, key);
  await store.close();
}

function asking(): Asking {
  return {
    exchange: randomUUID(),
    nhsNumber: String(9_990_000_000 + Math.floor(Math.random() * 100_000)),
    user: `https://fhir.nhs.uk/Id/sds-user-id|${555_000_000_000 + Math.floor(Math.random() * 500)}`,
    organisation: `R${Math.floor(Math.random() * 90) + 10}`,
    role: 'R8000',
    purpose: 'directcare',
    relationship: 'registered',
  };
}

/** What a responder writes for one query: received and spent, then answered. */
async function exchange(trail: AuditTrail): Promise<number> {
  const who = asking();
  const started = performance.now();
  const digest = randomBytes(32).toString('base64url');
  const query = { token: TOKEN, digest, issuer: 'https://a.example', keepUntil: Date.now() + 150_000 };
  await trail.queryReceived(who, 'london', query);
  const told = { outcome: 'answered', count: RESOURCES.length, resources: RESOURCES, agreement: '2026-04' };
  await trail.queryAnswered(who, 'london', { ...told, response: { token: TOKEN, digest } });
  return performance.now() - started;
}

async function run(trail: AuditTrail, concurrent: number): Promise<{ entries: number; times: number[] }> {
  const times: number[] = [];
  const until = performance.now() + RUN_MS;
  const worker = async (): Promise<void> => {
    while (performance.now() < until) times.push(await exchange(trail));
  };
  await Promise.all(Array.from({ length: concurrent }, worker));
  times.sort((left, right) => left - right);
  return { entries: times.length * 2, times };
}

async function fill(trail: AuditTrail, store: Store): Promise<number> {
  await Promise.all(Array.from({ length: 500 }, () => exchange(trail)));
  return (await store.log.head(ORIGIN)).size;
}

async function verify(name: string, store: Store, size: number): Promise<void> {
  let frontier = emptyFrontier();
  const started = performance.now();
  while (frontier.size < size) {
    const entries = await store.log.entries(ORIGIN, frontier.size, 10_000);
    frontier = append(
      frontier,
      entries.map(({ leaf }) => leafHash(leaf)),
    );
  }
  const seconds = (performance.now() - started) / 1000;
  console.log(`${name}: read and hashed again, ${(size / seconds).toFixed(0)} entries/s`);
}

async function search(name: string, store: Store, size: number, key: Buffer): Promise<void> {
  const times: number[] = [];
  for (let turn = 0; turn < 300; turn += 1) {
    const { nhsNumber = '', user = '' } = asking();
    const by =
      turn % 2 === 0 ? { patients: [keyedDigest(key, nhsNumber)] } : { user: keyedDigest(key, user) };
    const started = performance.now();
    await store.log.search({ ...by, from: 0, to: Date.now(), limit: 50 });
    times.push(performance.now() - started);
  }
  times.sort((left, right) => left - right);
  const [p50, p99] = [quantile(times, 0.5), quantile(times, 0.99)];
  console.log(`${name}: search by patient or user among ${size} entries: p50 ${p50} ms, p99 ${p99} ms`);
}

function fsyncRate(): number {
  const descriptor = openSync(join(DIRECTORY, 'fsync'), 'w');
  const page = Buffer.alloc(4096, 1);
  const rate = perSecond((turn) => {
    writeSync(descriptor, page, 0, page.length, (turn % 1000) * page.length);
    fdatasyncSync(descriptor);
  });
  closeSync(descriptor);
  return rate;
}

function commitRate(): number {
  const database = new DatabaseSync(join(DIRECTORY, 'rows.db'));
  database.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE row (id INTEGER PRIMARY KEY, bytes BLOB)',
  );
  const insert = database.prepare('INSERT INTO row (bytes) VALUES (?)');
  const bytes = Buffer.alloc(600, 1);
  const rate = perSecond(() => void insert.run(bytes));
  database.close();
  return rate;
}

function perSecond(action: (turn: number) => void): number {
  const started = performance.now();
  let turns = 0;
  for (; performance.now() - started < RUN_MS / 2; turns += 1) action(turns);
  return (turns / (performance.now() - started)) * 1000;
}

function quantile(sorted: readonly number[], part: number): string {
  return (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN).toFixed(2);
}
