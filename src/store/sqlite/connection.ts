import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { Kysely, SqliteDialect } from 'kysely';

import type { Tables } from '../schema.ts';

/** Opens the file with a write-ahead log that reaches the disk on every commit. */
export function openDatabase(file: string): DatabaseSync {
  const database = new DatabaseSync(file, { timeout: 5_000 });
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;');
  return database;
}

/** kysely over `node:sqlite`: its own dialect takes any object with `prepare` and `close`. */
export function kyselyOver(database: DatabaseSync): Kysely<Tables> {
  const adapter = {
    prepare: (sql: string) => statementAdapter(database.prepare(sql)),
    close: () => database.close(),
  };
  return new Kysely<Tables>({
    dialect: new SqliteDialect({ database: adapter }),
  });
}

function statementAdapter(statement: StatementSync) {
  return {
    reader: statement.columns().length > 0,
    all: (values: readonly SQLInputValue[]) => statement.all(...values),
    run: (values: readonly SQLInputValue[]) => statement.run(...values),
    iterate: (values: readonly SQLInputValue[]) => statement.iterate(...values),
  };
}
