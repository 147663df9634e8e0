import { until } from './until.ts';

/** Asks without end, each of several ways by itself, and keeps what was not the wanted outcome. */
export class AskingLoad {
  readonly failed: unknown[] = [];
  #asked = 0;
  #going = true;
  readonly #ways: Promise<void>[];

  /** @param ways each resolves with the outcome of one question */
  constructor(ways: readonly (() => Promise<string | undefined>)[], wanted: string) {
    this.#ways = ways.map(async (ask) => {
      while (this.#going) {
        const outcome = await ask();
        this.#asked += 1;
        if (outcome !== wanted) this.failed.push(outcome);
      }
    });
  }

  get asked(): number {
    return this.#asked;
  }

  /** Resolves when so many more were asked from now on. */
  async more(count: number): Promise<void> {
    const wanted = this.#asked + count;
    await until(() => this.#asked >= wanted, `${count} more questions`);
  }

  async stop(): Promise<void> {
    this.#going = false;
    await Promise.all(this.#ways);
  }
}
