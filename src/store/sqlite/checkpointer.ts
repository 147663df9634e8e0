import { once } from 'node:events';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

import type { Copied } from './checkpoint-thread.ts';

const THREAD = new URL('./checkpoint-thread.ts', import.meta.url);

/** Frames are pages of 4 KiB: at 16 MiB the log is copied; at 64 MiB writers wait until it is. */
const LIMITS = { due: 4_000, most: 16_000 };

const PATIENCE_MS = 4_000;
const RETRY_MS = 25;

/**
 * Copies the write-ahead log into the database (a checkpoint) from a thread of its own: it flushes the database, and
 * on a slow disk that takes long. The bulk is copied while the log goes on growing; then writers hold for a moment, so
 * that a second run copies the rest, and the log begins anew in its own place.
 * No promise hangs on it: what is in the log is durable. Where copying fails the log grows, and it is tried again.
 */
export class Checkpointer {
  readonly #file: string;
  readonly #limits: typeof LIMITS;
  /** Looks without copying. A SQLite older than 3.51 does not know it, and copies at once. */
  readonly #look: StatementSync;
  readonly #empty: StatementSync;
  #due: number;
  #thread: Worker | undefined;
  #run: Promise<void> | undefined;
  #bulkCopied = false;

  /** @param database the writers' connection, which does not copy by itself */
  constructor(file: string, database: DatabaseSync, limits = LIMITS) {
    this.#file = file;
    this.#limits = limits;
    this.#due = limits.due;
    this.#look = database.prepare('PRAGMA wal_checkpoint(NOOP)');
    this.#empty = database.prepare('PRAGMA wal_checkpoint(TRUNCATE)');
  }

  /** To be called between two transactions. @returns what the next has to wait for; undefined for nothing */
  afterCommit(): Promise<void> | undefined {
    const frames = Number(this.#look.get()?.['log']);
    if (this.#bulkCopied) return this.#copyRest(frames);
    if (this.#run === undefined && frames >= this.#due) this.#copyBulk(frames);
    return frames >= this.#limits.most ? this.#run : undefined;
  }

  /**
   * Copies all and empties the log, so that what was deleted or overwritten is in no file.
   *
   * @throws Error where somebody reads or writes for longer than a moment
   */
  async empty(): Promise<void> {
    for (const since = performance.now(); ;) {
      while (this.#run !== undefined) await this.#run;
      if (this.#empty.get()?.['busy'] === 0) return;
      if (performance.now() - since > PATIENCE_MS) throw new Error('the write-ahead log cannot be emptied');
      await pause(RETRY_MS);
    }
  }

  /** Lets the run end that is under way. */
  async close(): Promise<void> {
    await this.#run;
    if (this.#thread === undefined) return;
    this.#thread.ref();
    const ended = once(this.#thread, 'exit');
    this.#thread.postMessage('close');
    await ended;
  }

  #copyBulk(frames: number): void {
    this.#run = this.#copy().then((copied) => {
      this.#run = undefined;
      this.#bulkCopied = copied !== undefined;
      if (copied === undefined) this.#dueAfter(frames);
    });
  }

  #copyRest(frames: number): Promise<void> {
    this.#bulkCopied = false;
    this.#run = this.#copy().then((copied) => {
      this.#run = undefined;
      // While somebody reads an older state not all can be copied.
      this.#dueAfter(copied !== undefined && copied.checkpointed === copied.log ? 0 : frames);
    });
    return this.#run;
  }

  /** Where the log did not begin anew: not at every commit again. */
  #dueAfter(frames: number): void {
    this.#due = frames + this.#limits.due;
  }

  /** Undefined where the thread ended instead: the next run gets another. */
  async #copy(): Promise<Copied | undefined> {
    const answered = new AbortController();
    const { signal } = answered;
    try {
      const thread = (this.#thread ??= this.#start());
      // Whoever waits for it keeps the process alive, and nobody else.
      thread.ref();
      thread.postMessage('run');
      const [copied] = (await Promise.race([
        once(thread, 'message', { signal }),
        once(thread, 'exit', { signal }),
      ])) as [Copied | number];
      return typeof copied === 'number' ? undefined : copied;
    } catch {
      return undefined;
    } finally {
      answered.abort();
      this.#thread?.unref();
    }
  }

  #start(): Worker {
    const thread = new Worker(THREAD, { workerData: this.#file, execArgv: [] });
    thread.on('error', () => undefined);
    thread.once('exit', () => (this.#thread = undefined));
    return thread;
  }
}
