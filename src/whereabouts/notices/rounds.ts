import { errorFields, type Log } from '../../log.ts';

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 60_000;
/** Between two rounds while there is more to do: the queries come first. */
const PAUSE_MS = 5;

/**
 * Background work in rounds, one after another: at once again while there is more, else after a while, or when it is woken.
 * A round that fails is tried again, later each time; nothing but the log hears of it.
 */
export class Rounds {
  readonly #name: string;
  readonly #round: () => Promise<boolean>;
  readonly #everyMs: number;
  readonly #log: Log;
  #timer: NodeJS.Timeout | undefined;
  #underWay: Promise<void> | undefined;
  #wake = false;
  #failures = 0;
  #stopped = false;

  /** @param round does a part @returns true while there is more */
  constructor(name: string, round: () => Promise<boolean>, everyMs: number, log: Log) {
    this.#name = name;
    this.#round = round;
    this.#everyMs = everyMs;
    this.#log = log;
  }

  start(): void {
    this.#wait(0);
  }

  /** There is something to do: the next round is now, or follows the one under way. After failures it stays with the wait. */
  wake(): void {
    this.#wake = true;
    if (this.#underWay === undefined && this.#failures === 0 && this.#timer !== undefined) this.#wait(0);
  }

  /** Resolves when the round under way has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#underWay;
  }

  #wait(delayMs: number): void {
    clearTimeout(this.#timer);
    if (this.#stopped) return;
    this.#timer = setTimeout(() => void this.#run(), delayMs).unref();
  }

  async #run(): Promise<void> {
    let delay = this.#everyMs;
    this.#wake = false;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#underWay = promise;
    try {
      if (await this.#round()) delay = PAUSE_MS;
      this.#failures = 0;
    } catch (error) {
      delay = this.#failed(error);
    }
    this.#underWay = undefined;
    resolve();
    this.#wait(this.#wake && this.#failures === 0 ? PAUSE_MS : delay);
  }

  #failed(error: unknown): number {
    this.#failures += 1;
    if (!this.#stopped && this.#failures === 1)
      this.#log.warn({ what: this.#name, ...errorFields(error) }, 'waits');
    return Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (this.#failures - 1));
  }
}
