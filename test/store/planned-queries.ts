import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import type { CompiledQuery } from 'kysely';

import { openSqliteStore } from '../../src/store/sqlite/store.ts';

/** An empty SQLite store of this suite's, and how it would look things up. */
export class PlannedQueries {
  readonly file: string;
  readonly #directory: string;
  #database: DatabaseSync | undefined;

  constructor() {
    this.#directory = mkdtempSync(join(tmpdir(), 'wayleave-plan-'));
    this.file = join(this.#directory, 'plan.db');
    before(async () => {
      await (await openSqliteStore(this.file)).close();
      this.#database = new DatabaseSync(this.file);
    });
    after(() => {
      this.#database?.close();
      rmSync(this.#directory, { recursive: true, force: true });
    });
  }

  get database(): DatabaseSync {
    if (this.#database === undefined) throw new TypeError('not open yet');
    return this.#database;
  }

  /** The steps, one by one. */
  of({ sql, parameters }: CompiledQuery): string[] {
    const rows = this.database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...(parameters as SQLInputValue[]));
    return rows.map((row) => String(row['detail']));
  }
}
