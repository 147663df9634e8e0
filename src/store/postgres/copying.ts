import type { Pool, PoolClient } from 'pg';

import { StartError } from '../../errors.ts';
import {
  NOT_COPIED,
  quoted,
  ROWS_AT_ONCE,
  type Filling,
  type Row,
  type Snapshot,
  type Value,
} from '../copying.ts';
import { openPool } from './connection.ts';
import { openPostgresStore } from './store.ts';
import { toText } from './values.ts';

/** PostgreSQL takes at most 65,535 parameters in a statement. */
const MOST_PARAMETERS = 60_000;

/** A PostgreSQL store as it is now: one transaction that sees nothing of what is written meanwhile. */
export async function openPostgresSnapshot(url: string): Promise<Snapshot> {
  const pool = openPool(url, 'none');
  const client = await connected(pool);
  const close = async (): Promise<void> => {
    client.release(true);
    await pool.end();
  };
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const version = await versionOf(client);
    const tables = [];
    for (const name of await tablesOf(client)) {
      const { rows } = await client.query<{ rows: number }>(`SELECT count(*) AS rows FROM ${quoted(name)}`);
      tables.push({ name, rows: rows[0]?.rows ?? 0 });
    }
    return { version, tables, pages: (table) => pagesOf(client, table), close };
  } catch (error) {
    await close();
    throw noStore(error);
  }
}

async function* pagesOf(client: PoolClient, table: string): AsyncGenerator<Row[], void, undefined> {
  await client.query(`DECLARE page NO SCROLL CURSOR FOR SELECT * FROM ${quoted(table)}`);
  for (;;) {
    const { rows } = await client.query<Row>(`FETCH ${ROWS_AT_ONCE} FROM page`);
    if (rows.length === 0) break;
    yield rows;
  }
  await client.query('CLOSE page');
}

/** Makes the tables of an empty database, to be filled. @throws StartError when it is not empty */
export async function openPostgresFilling(url: string, now: () => number): Promise<Filling> {
  const store = await openPostgresStore(url, now);
  const pool = openPool(url, 'none');
  const client = await connected(pool);
  const close = async (): Promise<void> => {
    client.release(true);
    await pool.end();
  };
  try {
    for (const name of await tablesOf(client)) {
      const { rowCount } = await client.query(`SELECT 1 FROM ${quoted(name)} LIMIT 1`);
      if (rowCount === 0) continue;
      throw new StartError(
        'store: the PostgreSQL database is not empty, and is not written over: name one that is, or make one.',
      );
    }
    if (!(await store.state.close({ since: now(), why: 'restoring', detail: '{}' }))) {
      throw new StartError(
        'store: the PostgreSQL database is closed already: make another, and restore into that.',
      );
    }
    const version = await versionOf(client);
    const finish = async (why: string, since: number, detail: string): Promise<void> => {
      const text = 'UPDATE store_state SET closed_since = $1, closed_why = $2, closed_detail = $3';
      await client.query(text, [Math.floor(since), why, toText(detail)]);
      await client.query('ANALYZE');
    };
    return { version, insert: (table, rows) => insert(client, table, rows), finish, close };
  } catch (error) {
    await close();
    throw error;
  } finally {
    await store.close();
  }
}

async function insert(client: PoolClient, table: string, rows: readonly Row[]): Promise<void> {
  const columns = Object.keys(rows[0] ?? {});
  const atOnce = Math.floor(MOST_PARAMETERS / Math.max(columns.length, 1));
  for (let from = 0; from < rows.length; from += atOnce) {
    const part = rows.slice(from, from + atOnce);
    const places = part.map((_, nth) => {
      const numbers = columns.map((_name, at) => `$${nth * columns.length + at + 1}`);
      return `(${numbers.join(', ')})`;
    });
    const names = columns.map(quoted).join(', ');
    const values = part.flatMap((row) => columns.map((name) => asStored(row[name] ?? null)));
    await client.query(`INSERT INTO ${quoted(table)} (${names}) VALUES ${places.join(', ')}`, values);
  }
}

/** PostgreSQL's text cannot hold all that SQLite's can; bytes are given as a Buffer. */
function asStored(value: Value): Value {
  if (typeof value === 'string') return toText(value);
  return value instanceof Uint8Array ? Buffer.from(value) : value;
}

async function connected(pool: Pool): Promise<PoolClient> {
  try {
    return await pool.connect();
  } catch (error) {
    await pool.end();
    throw error instanceof StartError ? error : noStore(error);
  }
}

async function versionOf(client: PoolClient): Promise<string> {
  const { rows } = await client.query<{ version: string }>(
    'SELECT max(name COLLATE "C") AS version FROM kysely_migration',
  );
  return rows[0]?.version ?? '';
}

async function tablesOf(client: PoolClient): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT tablename::text AS name FROM pg_tables WHERE schemaname = current_schema() ORDER BY tablename`,
  );
  return rows.map(({ name }) => name).filter((name) => !NOT_COPIED.includes(name));
}

function noStore(error: unknown): StartError {
  const code: unknown = (error as { code?: unknown }).code;
  return new StartError(
    'store: the PostgreSQL database cannot be read as a store: check that the server runs, and that a broker of ' +
      'this version has been started on it.',
    { cause: new Error(typeof code === 'string' ? code : 'unknown') },
  );
}
