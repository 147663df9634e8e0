import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { Kysely, SqliteDialect } from 'kysely';

import type { Tables } from '../schema.ts';

/** Opens the file with a write-ahead log that reaches the disk on every commit. */
export function openDatabase(file: string): DatabaseSync {
  const database = new DatabaseSync(file, { timeout: 5_000 });
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;');
  return database;
}

/** The broker's own texts are a few dozen; a text of a command's may be new each time. */
const MOST_PREPARED = 128;

/**
 * kysely over `node:sqlite`: its own dialect takes any object with `prepare` and `close`. A text is prepared once:
 * that takes seven times as long as running it.
 */
export function kyselyOver(database: DatabaseSync): Kysely<Tables> {
  const prepared = new Map<string, ReturnType<typeof statementAdapter>>();
  const adapter = {
    prepare: (sql: string) => {
      const known = prepared.get(sql);
      if (known !== undefined) return known;
      const statement = statementAdapter(database.prepare(sql));
      if (prepared.size < MOST_PREPARED) prepared.set(sql, statement);
      return statement;
    },
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
