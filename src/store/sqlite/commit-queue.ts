import type { DatabaseSync } from 'node:sqlite';

interface Waiting {
  readonly write: () => unknown;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Group commit: every write that is waiting when the event loop comes round goes into one transaction, so that
 * many callers share one flush to the disk. A caller's promise resolves only after that flush. If the
 * transaction fails, every caller in it is told so and nothing of it is kept.
 */
export class CommitQueue {
  readonly #database: DatabaseSync;
  #waiting: Waiting[] = [];

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** @param write synchronous statements; an exception fails the whole group @returns what `write` returned */
  commit<Result>(write: () => Result): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      if (this.#waiting.length === 0) setImmediate(() => this.#flush());
      this.#waiting.push({ write, resolve: resolve as (result: unknown) => void, reject });
    });
  }

  #flush(): void {
    const group = this.#waiting;
    this.#waiting = [];
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      const results = group.map((waiting) => waiting.write());
      this.#database.exec('COMMIT');
      group.forEach((waiting, position) => waiting.resolve(results[position]));
    } catch (error) {
      if (this.#database.isOpen && this.#database.isTransaction) this.#database.exec('ROLLBACK');
      for (const waiting of group) waiting.reject(error);
    }
  }
}
