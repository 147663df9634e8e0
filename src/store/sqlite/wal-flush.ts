import { closeSync, fdatasync, fsyncSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';

const syncData = promisify(fdatasync);

/**
 * Flushes a database's write-ahead log from the thread pool, so that the event loop does not stand still for the
 * disk as it does when SQLite flushes within COMMIT (`synchronous = FULL`). What a commit wrote is in the log file,
 * and a flush through any descriptor is a flush of the file (`docs/decisions/0008-flush-off-the-event-loop.md`).
 */
export class WalFlush {
  readonly #file: string;
  #descriptor: number | undefined;

  /** @param file the database file; its log lies beside it while a connection is open */
  constructor(file: string) {
    this.#file = `${file}-wal`;
  }

  async flush(): Promise<void> {
    if (this.#descriptor === undefined) {
      this.#descriptor = openSync(this.#file, 'r');
      // The log's name must be on the disk as well as its bytes.
      const directory = openSync(dirname(this.#file), 'r');
      fsyncSync(directory);
      closeSync(directory);
    }
    await syncData(this.#descriptor);
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }
}
