import { closeSync, existsSync, fsyncSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';

import { StartError } from '../../errors.ts';
import { quoted, type Filling, type Row } from '../copying.ts';
import { openDatabase } from './connection.ts';
import { versionOf } from './snapshot.ts';
import { openSqliteStore } from './store.ts';

/**
 * Makes a SQLite store to be filled, which nothing is served from until it is whole.
 *
 * @param file must not be there
 * @throws StartError
 */
export async function openSqliteFilling(file: string, now: () => number): Promise<Filling> {
  // A write-ahead log that another database left behind would be taken for the new one's.
  const there = [file, `${file}-wal`, `${file}-journal`].find((name) => existsSync(name));
  if (there !== undefined) {
    throw new StartError(
      `store: ${there} is there already, and is not written over: name a place where nothing is.`,
    );
  }
  const store = await openSqliteStore(file, now);
  await store.state.close({ since: now(), why: 'restoring', detail: '{}' });
  await store.close();
  return new SqliteFilling(file);
}

class SqliteFilling implements Filling {
  readonly version: string;
  readonly #file: string;
  readonly #database: DatabaseSync;
  /** Made after the rows: an index that grows row by row takes many times as long. */
  readonly #indexes: readonly string[];
  readonly #inserts = new Map<string, StatementSync>();

  constructor(file: string) {
    this.#file = file;
    this.#database = openDatabase(file);
    this.version = versionOf(this.#database);
    // Flushed at the end: a store that is not whole says so itself, and is made again.
    this.#database.exec('PRAGMA synchronous = OFF');
    const rows = this.#database
      .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL")
      .all();
    this.#indexes = rows.map((row) => String(row['sql']));
    for (const row of rows) this.#database.exec(`DROP INDEX ${quoted(String(row['name']))}`);
  }

  async insert(table: string, rows: readonly Row[]): Promise<void> {
    const [first] = rows;
    if (first === undefined) return;
    const columns = Object.keys(first);
    const insert = this.#insertInto(table, columns);
    this.#database.exec('BEGIN');
    for (const row of rows) insert.run(...columns.map((name) => row[name] ?? null));
    this.#database.exec('COMMIT');
  }

  async finish(why: 'restored', since: number, detail: string): Promise<void> {
    for (const index of this.#indexes) this.#database.exec(index);
    this.#flush();
    // Last, and flushed by itself: that the store is whole is said when it is.
    this.#database.exec('PRAGMA synchronous = FULL');
    this.#database
      .prepare('UPDATE store_state SET closed_since = ?, closed_why = ?, closed_detail = ?')
      .run(since, why, detail);
    this.#flush();
  }

  async close(): Promise<void> {
    this.#database.close();
  }

  #flush(): void {
    this.#database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    for (const name of [this.#file, dirname(this.#file)]) flushName(name);
  }

  #insertInto(table: string, columns: readonly string[]): StatementSync {
    let insert = this.#inserts.get(table);
    if (insert === undefined) {
      const places = columns.map(() => '?').join(', ');
      const names = columns.map(quoted).join(', ');
      insert = this.#database.prepare(`INSERT INTO ${quoted(table)} (${names}) VALUES (${places})`);
      this.#inserts.set(table, insert);
    }
    return insert;
  }
}

/** Has a file, or a directory with the names in it, on the disk. */
export function flushName(name: string): void {
  const descriptor = openSync(name, 'r');
  fsyncSync(descriptor);
  closeSync(descriptor);
}
