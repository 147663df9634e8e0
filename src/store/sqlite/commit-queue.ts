import type { DatabaseSync } from 'node:sqlite';

interface Waiting {
  readonly write: () => unknown;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** How long a group tries again while another process writes, and how often; the event loop is free between. */
const PATIENCE_MS = 4_000;
const RETRY_MS = 4;

/**
 * Group commit: every write that is waiting when the event loop comes round goes into one transaction, so that
 * many callers share one flush to the disk. A caller's promise resolves only after that flush. If the
 * transaction fails, every caller in it is told so and nothing of it is kept.
 */
export class CommitQueue {
  readonly #database: DatabaseSync;
  readonly #flush: () => Promise<void>;
  readonly #between: () => Promise<void> | undefined;
  /** Why a flush failed: after that nobody can say what is on the disk, so nothing more is promised. */
  #broken: unknown;
  #waiting: Waiting[] = [];
  #scheduled = false;
  #busySince: number | undefined;
  /** What was committed last is on the disk when this resolves. */
  #flushing: Promise<void> = Promise.resolve();
  #closed = false;

  /**
   * @param database a connection that nobody else uses, that does not itself wait for locks, nor flush on commit
   * @param flush resolves when what was committed is on the disk
   * @param between called after a group was told; gives what the next has to wait for, which never rejects
   */
  constructor(
    database: DatabaseSync,
    flush: () => Promise<void>,
    between: () => Promise<void> | undefined = () => undefined,
  ) {
    this.#database = database;
    this.#flush = flush;
    this.#between = between;
  }

  /** @param write synchronous statements; an exception fails the whole group @returns what `write` returned */
  commit<Result>(write: () => Result): Promise<Result> {
    if (this.#closed) return Promise.reject(new Error('the store is closed'));
    return new Promise<Result>((resolve, reject) => {
      this.#waiting.push({ write, resolve: resolve as (result: unknown) => void, reject });
      if (this.#scheduled) return;
      this.#scheduled = true;
      setImmediate(() => void this.#run());
    });
  }

  /** @param read synchronous; sees only what is on the disk, so that what it says may be told @returns what it gave */
  async afterFlush<Result>(read: () => Result): Promise<Result> {
    await this.#flushing;
    if (this.#broken !== undefined) throw this.#broken as Error;
    return read();
  }

  /** Lets the group end that is under way, and rejects what waits and what comes. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#rejectAll(new Error('the store is closed'));
    await this.#flushing.catch(() => undefined);
  }

  async #run(): Promise<void> {
    if (!this.#begin()) return;
    const group = this.#waiting;
    this.#waiting = [];
    try {
      if (this.#broken !== undefined) throw this.#broken as Error;
      const results = group.map((waiting) => waiting.write());
      this.#database.exec('COMMIT');
      this.#flushing = this.#flush().catch((error: unknown) => {
        this.#broken = error;
        throw error;
      });
      await this.#flushing;
      group.forEach((waiting, position) => waiting.resolve(results[position]));
      const hold = this.#between();
      if (hold !== undefined) await hold;
    } catch (error) {
      this.#rollBack();
      for (const waiting of group) waiting.reject(error);
    }
    this.#next();
  }

  /** False when another process writes: tried again, or given up with everybody who waits. */
  #begin(): boolean {
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      this.#busySince = undefined;
      return true;
    } catch (error) {
      if (isLocked(error) && performance.now() - (this.#busySince ??= performance.now()) < PATIENCE_MS) {
        setTimeout(() => void this.#run(), RETRY_MS);
        return false;
      }
      this.#rejectAll(error);
      this.#next();
      return false;
    }
  }

  #rejectAll(error: unknown): void {
    const group = this.#waiting;
    this.#waiting = [];
    for (const waiting of group) waiting.reject(error);
  }

  #next(): void {
    this.#busySince = undefined;
    this.#scheduled = this.#waiting.length > 0;
    if (this.#scheduled) setImmediate(() => void this.#run());
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
