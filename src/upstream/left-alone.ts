import { RollingCount } from './rolling-count.ts';

/** The longest that a destination is left alone because it asks for that. */
const LONGEST_MS = 60_000;
/** Whoever answers somebody else at the same time turns away one call too many, and does not ask to be left alone. */
const MEANWHILE_MS = 2_000;

/** Whether a destination asked to be left alone (`Retry-After`), and what is not sent to it for that. */
export class LeftAlone {
  readonly #turnedAway: RollingCount;
  readonly #mono: () => number;
  #until = -Infinity;
  #answeredAt = -Infinity;

  /** @param mono milliseconds of a clock that never goes back */
  constructor(windowMs: number, mono: () => number) {
    this.#turnedAway = new RollingCount(windowMs, mono);
    this.#mono = mono;
  }

  /** How much longer, in milliseconds; 0 where it is not. */
  get ms(): number {
    return Math.max(0, this.#until - this.#mono());
  }

  /** Calls that were not made for that, in the window. */
  get turnedAway(): number {
    return this.#turnedAway.value;
  }

  /** It answered a call. */
  answered(): void {
    this.#answeredAt = this.#mono();
  }

  /** A call is not made. */
  turnAway(): void {
    this.#turnedAway.add();
  }

  /**
   * It asks for that. The word need not be signed, so it is a hint, and counts for a minute at the most.
   *
   * @param askedMs undefined where it does not say for how long: then for no time
   * @returns for how long from now on, where that is longer than before
   */
  ask(askedMs: number | undefined): number | undefined {
    const now = this.#mono();
    if (askedMs === undefined || now - this.#answeredAt < MEANWHILE_MS) return undefined;
    const ms = Math.min(askedMs, LONGEST_MS);
    if (ms <= this.ms) return undefined;
    this.#until = now + ms;
    return ms;
  }
}
