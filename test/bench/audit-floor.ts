import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { Client } from 'pg';

/** What the machine and the bare databases do, for an audit's figures to be held against. */
const FLOOR_MS = 1_500;
const ROW = Buffer.alloc(600, 1);

export interface Commits {
  readonly perSecond: number;
  readonly medianMs: number;
}

/** Flushes of one page each, a second. */
export function flushRate(file: string): number {
  const descriptor = openSync(file, 'w');
  const page = Buffer.alloc(4096, 1);
  const started = performance.now();
  let turns = 0;
  for (; performance.now() - started < FLOOR_MS; turns += 1) {
    writeSync(descriptor, page, 0, page.length, (turns % 1000) * page.length);
    fdatasyncSync(descriptor);
  }
  const rate = (turns / (performance.now() - started)) * 1000;
  closeSync(descriptor);
  rmSync(file);
  return rate;
}

/** Rows inserted one by one, each durable before the next, without anything of ours. */
export async function sqliteCommits(file: string): Promise<Commits> {
  const database = new DatabaseSync(file);
  database.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE row (id INTEGER PRIMARY KEY, bytes BLOB)',
  );
  const insert = database.prepare('INSERT INTO row (bytes) VALUES (?)');
  const commits = await timed(() => Promise.resolve(insert.run(ROW)));
  database.close();
  for (const name of [file, `${file}-wal`, `${file}-shm`]) rmSync(name, { force: true });
  return commits;
}

/** The same on PostgreSQL. */
export async function postgresCommits(url: string): Promise<Commits> {
  const client = new Client(url);
  await client.connect();
  await client.query('CREATE TABLE one_row (id bigserial PRIMARY KEY, bytes bytea)');
  const commits = await timed(() =>
    client.query({ name: 'row', text: 'INSERT INTO one_row (bytes) VALUES ($1)', values: [ROW] }),
  );
  await client.end();
  return commits;
}

async function timed(commit: () => Promise<unknown>): Promise<Commits> {
  const times: number[] = [];
  const until = performance.now() + FLOOR_MS;
  while (performance.now() < until) {
    const started = performance.now();
    await commit();
    times.push(performance.now() - started);
  }
  return { perSecond: (times.length / FLOOR_MS) * 1000, medianMs: quantile(times, 0.5) };
}

export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}
