import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';

import type { StatementLane } from '../statement-lane.ts';
import type { CommitQueue } from './commit-queue.ts';

/** A text is new for each number of rows that it holds. */
const MOST_PREPARED = 64;

/** Runs statements in the group commit, as every write. @param database the queue's own connection */
export function statementLane(database: DatabaseSync, queue: CommitQueue): StatementLane {
  const prepared = new Map<string, StatementSync>();
  const prepare = (sql: string): StatementSync => {
    const known = prepared.get(sql);
    if (known !== undefined) return known;
    const statement = database.prepare(sql);
    if (prepared.size < MOST_PREPARED) prepared.set(sql, statement);
    return statement;
  };
  return {
    write: (statements) =>
      queue.commit(() =>
        statements.map(({ sql, parameters }) =>
          prepare(sql)
            .all(...(parameters as readonly SQLInputValue[]))
            .map((row) => ({ ...row })),
        ),
      ),
  };
}
