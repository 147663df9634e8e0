import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { Kysely, SqliteDialect } from 'kysely';

import type { Tables } from '../schema.ts';

/**
 * Opens the file with a write-ahead log. What is deleted is overwritten: erased is erased.
 *
 * @throws Error where there cannot be one: a network file system, which has no memory to share
 */
export function openDatabase(file: string): DatabaseSync {
  const database = new DatabaseSync(file, { timeout: 5_000 });
  const journal = database.prepare('PRAGMA journal_mode = WAL').get();
  if (journal?.['journal_mode'] !== 'wal') throw new Error('no write-ahead log');
  database.exec('PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;');
  return database;
}

/** KiB of pages that a writer keeps at hand: those of the indexes that many entries in turn go into. */
const WRITER_CACHE = 65_536;

/**
 * A connection for a `CommitQueue`: it fails at once where another writes, leaves the flush to the queue, and the
 * copying of the write-ahead log to a `Checkpointer`.
 */
export function openWriter(file: string): DatabaseSync {
  const database = openDatabase(file);
  database.exec(
    'PRAGMA busy_timeout = 0; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0; ' +
      `PRAGMA cache_size = -${WRITER_CACHE};`,
  );
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
    // Objects like any others: those of node:sqlite have no prototype, and equal none that has.
    all: (values: readonly SQLInputValue[]) => statement.all(...values).map((row) => ({ ...row })),
    run: (values: readonly SQLInputValue[]) => statement.run(...values),
    iterate: (values: readonly SQLInputValue[]) => statement.iterate(...values),
  };
}
