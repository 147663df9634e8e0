import type { DatabaseSync } from 'node:sqlite';

interface Waiting {
  readonly write: () => unknown;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** How long a group tries again while another process writes, and how often; the event loop is free between. */
const PATIENCE_MS = 4_000;
const RETRY_MS = 25;

/**
 * Group commit: every write that is waiting when the event loop comes round goes into one transaction, so that
 * many callers share one flush to the disk. A caller's promise resolves only after that flush. If the
 * transaction fails, every caller in it is told so and nothing of it is kept.
 */
export class CommitQueue {
  readonly #database: DatabaseSync;
  #waiting: Waiting[] = [];
  #scheduled = false;
  #busySince: number | undefined;

  /** @param database a connection that nobody else uses, and that does not itself wait for locks */
  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** @param write synchronous statements; an exception fails the whole group @returns what `write` returned */
  commit<Result>(write: () => Result): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      this.#waiting.push({ write, resolve: resolve as (result: unknown) => void, reject });
      if (this.#scheduled) return;
      this.#scheduled = true;
      setImmediate(() => this.#flush());
    });
  }

  #flush(): void {
    try {
      this.#database.exec('BEGIN IMMEDIATE');
    } catch (error) {
      if (isLocked(error) && performance.now() - (this.#busySince ??= performance.now()) < PATIENCE_MS) {
        setTimeout(() => this.#flush(), RETRY_MS);
        return;
      }
      this.#settle((waiting) => waiting.reject(error));
      return;
    }
    try {
      const results = this.#waiting.map((waiting) => waiting.write());
      this.#database.exec('COMMIT');
      this.#settle((waiting, position) => waiting.resolve(results[position]));
    } catch (error) {
      this.#rollBack();
      this.#settle((waiting) => waiting.reject(error));
    }
  }

  #settle(tell: (waiting: Waiting, position: number) => void): void {
    const group = this.#waiting;
    this.#waiting = [];
    this.#scheduled = false;
    this.#busySince = undefined;
    group.forEach(tell);
  }

  #rollBack(): void {
    try {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
    } catch {
      // The connection itself is broken; the callers are told of what broke it.
    }
  }
}

/** SQLITE_BUSY and its extended codes. */
function isLocked(error: unknown): boolean {
  const code: unknown = (error as { errcode?: unknown }).errcode;
  return typeof code === 'number' && (code & 0xff) === 5;
}
