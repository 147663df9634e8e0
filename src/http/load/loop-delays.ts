import { monitorEventLoopDelay } from 'node:perf_hooks';

/** How late the event loop was in one window, in milliseconds. */
export interface LoopDelay {
  /** Half of the looks were later than that: what stands, and not one pause of the garbage collector. */
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly longestMs: number;
}

/** How often it is looked. */
const LOOK_MS = 10;
const NS_PER_MS = 1e6;
const NOTHING: LoopDelay = { medianMs: 0, p99Ms: 0, longestMs: 0 };

/** How late this process's event loop is, from one look to the next. */
export class LoopDelays {
  readonly #seen = monitorEventLoopDelay({ resolution: LOOK_MS });

  start(): void {
    this.#seen.enable();
  }

  stop(): void {
    this.#seen.disable();
  }

  /** What was seen since it was taken last. */
  seen(): LoopDelay {
    const { count, max } = this.#seen;
    if (count === 0) return NOTHING;
    const late = (ns: number): number => Math.max(0, ns / NS_PER_MS - LOOK_MS);
    return {
      medianMs: late(this.#seen.percentile(50)),
      p99Ms: late(this.#seen.percentile(99)),
      longestMs: late(max),
    };
  }

  take(): LoopDelay {
    const seen = this.seen();
    this.#seen.reset();
    return seen;
  }
}
