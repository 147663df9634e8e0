import { StartError } from '../errors.ts';
import { errorFields } from '../log.ts';
import { Lookout } from './lookout.ts';

export interface WatchedFiles {
  /** When the files changed last, as a text that is another one after any change. */
  readonly stamp: () => string;
  /** Reads them, and makes what they hold count: all of it, or nothing where it rejects. */
  readonly take: () => Promise<void>;
  /** Called with each new reason why they cannot be taken. */
  readonly onFault: (what: string) => void;
}

const LOOK_MS = 2_000;
/** Files that did not change and could not be taken are read again less often: a passphrase is slow on purpose. */
const AGAIN_MS = 30_000;

/** Reads files of ours again when they change, or could not be taken before. Never rejects. */
export class FileWatch {
  readonly #files: WatchedFiles;
  readonly #lookout = new Lookout(LOOK_MS, () => this.#look());
  /** Of the files as they were read last; of none at the start: they may have changed since the configuration was read. */
  #stamp = '';
  #again = Infinity;
  #fault: string | undefined;

  constructor(files: WatchedFiles) {
    this.#files = files;
  }

  /** Why the files, as they are now, do not count. */
  get fault(): string | undefined {
    return this.#fault;
  }

  start(): void {
    this.#lookout.start();
  }

  stop(): Promise<void> {
    return this.#lookout.stop();
  }

  say(fault: string): void {
    if (this.#fault !== fault) this.#files.onFault(fault);
    this.#fault = fault;
  }

  async #look(): Promise<void> {
    const stamp = this.#files.stamp();
    if (stamp === this.#stamp && performance.now() < this.#again) return;
    this.#stamp = stamp;
    this.#again = Infinity;
    try {
      await this.#files.take();
      this.#fault = undefined;
    } catch (error) {
      // What is not in force yet, or cannot be kept in the log now, will be.
      this.#again = performance.now() + AGAIN_MS;
      this.say(error instanceof StartError ? error.message : (errorFields(error).code ?? 'own files'));
    }
  }
}
