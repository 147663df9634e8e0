const BUCKETS = 10;

/** How often something happened within the last `windowMs` milliseconds, to a tenth of that. */
export class RollingCount {
  readonly #bucketMs: number;
  readonly #now: () => number;
  readonly #counts = new Array<number>(BUCKETS).fill(0);
  #newest = -Infinity;

  /** @param now milliseconds of a clock that never goes back */
  constructor(windowMs: number, now: () => number) {
    this.#bucketMs = windowMs / BUCKETS;
    this.#now = now;
  }

  add(): void {
    const place = this.#forgetOld() % BUCKETS;
    this.#counts[place] = (this.#counts[place] ?? 0) + 1;
  }

  get value(): number {
    this.#forgetOld();
    return this.#counts.reduce((sum, count) => sum + count, 0);
  }

  #forgetOld(): number {
    const newest = Math.floor(this.#now() / this.#bucketMs);
    const stale = Math.min(BUCKETS, newest - this.#newest);
    for (let back = 0; back < stale; back += 1) this.#counts[(newest - back) % BUCKETS] = 0;
    this.#newest = newest;
    return newest;
  }
}
