/** How many requests may be under way at once; both at least 1. */
export interface LimitSettings {
  readonly least: number;
  readonly most: number;
}

/** What one window of time looked like. */
export interface Window {
  /** We ourselves were behind: not a neighbour, not a record. */
  readonly behind: boolean;
  /** The most requests that were under way at once in it. */
  readonly busiest: number;
}

/** By how much the limit grows in a good window, and what is left of it after a bad one. */
const STEP = 4;
const SHRINK = 0.9;
/** The part of the limit that must have been used before more is tried. */
const IN_USE = 0.8;
/** A start between the two ends: a burst finds room, and a flood does not find all of it. */
const FIRST = 8;

/**
 * How many requests may be under way at once, found out while they are: it grows by a step while we keep up and it is used,
 * and shrinks by a part when we are behind (additive increase, multiplicative decrease: Chiu and Jain, 1989).
 *
 * Pure: whoever has it tells it of each window that is over.
 */
export class AdaptiveLimit {
  readonly #settings: LimitSettings;
  readonly #first: number;
  #now: number;

  constructor(settings: LimitSettings) {
    this.#settings = settings;
    this.#first = Math.min(settings.most, settings.least * FIRST);
    this.#now = this.#first;
  }

  get now(): number {
    return this.#now;
  }

  /** A window is over. */
  learn({ behind, busiest }: Window): void {
    const { least, most } = this.#settings;
    if (behind) {
      // From what was under way: a limit far above it would take long to be felt.
      const used = Math.min(this.#now, Math.max(busiest, least));
      this.#now = Math.max(least, Math.floor(used * SHRINK));
    } else if (busiest >= this.#now * IN_USE) {
      this.#now = Math.min(most, this.#now + STEP);
    } else if (this.#now < this.#first) {
      // What passed was no flood of requests, or it is over: nothing has to be proved again up to here.
      this.#now = Math.min(this.#first, this.#now + STEP);
    }
  }
}
