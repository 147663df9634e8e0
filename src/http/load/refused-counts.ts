import { errorFields, type Log } from '../../log.ts';

const WRITE_MS = 1_000;

/**
 * What is refused for want of room, gathered and written once a second: a refusal must not cost the write that it is there
 * to spare. A process that is killed loses the last second of it.
 */
export class RefusedCounts {
  readonly #write: (code: string, times: number) => Promise<void>;
  readonly #log: Log;
  #gathered = new Map<string, number>();
  #writing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #fails = false;

  /** @param write durable when it resolves; what it rejects is kept for the next time */
  constructor(write: (code: string, times: number) => Promise<void>, log: Log) {
    this.#write = write;
    this.#log = log;
  }

  add(code: string, times = 1): void {
    this.#gathered.set(code, (this.#gathered.get(code) ?? 0) + times);
  }

  start(): void {
    this.#timer = setInterval(() => void this.write(), WRITE_MS).unref();
  }

  /** Writes what is left. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.write();
    await this.write();
  }

  /** Never rejects; one that is under way is waited for, and what came meanwhile is left for the next. */
  write(): Promise<void> {
    return (this.#writing ??= this.#writeAll().finally(() => (this.#writing = undefined)));
  }

  async #writeAll(): Promise<void> {
    const counts = [...this.#gathered];
    this.#gathered = new Map();
    for (const [code, times] of counts) {
      try {
        await this.#write(code, times);
        this.#fails = false;
      } catch (error) {
        this.add(code, times);
        if (!this.#fails) this.#log.error(errorFields(error), 'refusals not counted');
        this.#fails = true;
      }
    }
  }
}
