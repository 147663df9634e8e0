import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

import { StartError } from '../../errors.ts';
import { NOT_COPIED, quoted, ROWS_AT_ONCE, type Row, type Snapshot } from '../copying.ts';

/**
 * A SQLite store as it is now, beside a broker that may be writing to it: one read transaction on the write-ahead log.
 *
 * @throws StartError when the file is no store
 */
export function openSqliteSnapshot(file: string): Snapshot {
  const database = openReader(file);
  try {
    database.exec('BEGIN');
    const version = versionOf(database);
    const tables = tablesOf(database).map((name) => {
      const counted = database.prepare(`SELECT count(*) AS rows FROM ${quoted(name)}`).get();
      return { name, rows: Number(counted?.['rows']) };
    });
    return {
      ...{ version, tables },
      pages: (table) => pagesOf(database, table),
      close: async () => database.close(),
    };
  } catch (error) {
    database.close();
    throw noStore(file, error);
  }
}

async function* pagesOf(database: DatabaseSync, table: string): AsyncGenerator<Row[], void, undefined> {
  let page: Row[] = [];
  for (const row of database.prepare(`SELECT * FROM ${quoted(table)}`).iterate()) {
    page.push(row as Row);
    if (page.length < ROWS_AT_ONCE) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}

/** Reads and never writes; the file must be there. @throws StartError */
export function openReader(file: string): DatabaseSync {
  if (!existsSync(file)) throw noStore(file);
  try {
    return new DatabaseSync(file, { readOnly: true, timeout: 5_000 });
  } catch (error) {
    throw noStore(file, error);
  }
}

/** The name of the last migration. */
export function versionOf(database: DatabaseSync): string {
  const row = database.prepare('SELECT max(name) AS version FROM kysely_migration').get();
  return String(row?.['version']);
}

export function tablesOf(database: DatabaseSync): string[] {
  const rows = database
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")
    .all();
  return rows.map((row) => String(row['name'])).filter((name) => !NOT_COPIED.includes(name));
}

function noStore(file: string, cause?: unknown): StartError {
  return new StartError(`store: ${file} is not there, or is no SQLite store: name one.`, { cause });
}
