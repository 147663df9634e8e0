import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import type { CompiledQuery } from 'kysely';

import { SQLITE } from '../../src/store/dialect.ts';
import { firstOf, taking } from '../../src/store/notice-inbox.ts';
import { kyselyOver } from '../../src/store/sqlite/connection.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';

describe('what neighbours told, on SQLite', () => {
  const directory = mkdtempSync(join(tmpdir(), 'wayleave-plan-'));
  const file = join(directory, 'plan.db');
  let database: DatabaseSync;
  before(async () => {
    await (await openSqliteStore(file)).close();
    database = new DatabaseSync(file);
  });
  after(() => {
    database.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const planOf = ({ sql, parameters }: CompiledQuery): string =>
    database
      .prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .all(...(parameters as SQLInputValue[]))
      .map((row) => String(row['detail']))
      .join('; ');

  it('is taken sender by sender without a look at all of it', () => {
    const db = kyselyOver(database);
    const [next, taken] = [
      planOf(firstOf(db, 'a').compile()),
      planOf(taking('a', 10, 20, 5, SQLITE).compile(db)),
    ];
    assert.doesNotMatch(`${next}; ${taken}`, /SCAN notice_inbox|TEMP B-TREE FOR ORDER/);
    assert.match(next, /notice_inbox_by_sender/);
    assert.match(taken, /notice_inbox_by_sender \(sender=\? AND next<\?\)/);
  });
});
