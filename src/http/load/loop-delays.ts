/** How late the event loop was over a span of time, in milliseconds. */
export interface LoopDelay {
  /** Half of the looks were no later than that: what stands, and not one pause of the garbage collector. */
  readonly medianMs: number;
  readonly p99Ms: number;
}

/** How late each look at the event loop was. Nothing is lost between two spans: what is blocked is seen when it is over. */
export class LoopDelays {
  #late: number[] = [];

  get looks(): number {
    return this.#late.length;
  }

  add(lateMs: number): void {
    this.#late.push(lateMs);
  }

  /** What was seen since it was forgotten last. */
  seen(): LoopDelay {
    const sorted = this.#late.toSorted((one, other) => one - other);
    const at = (part: number): number => sorted[Math.floor((sorted.length - 1) * part)] ?? 0;
    return { medianMs: at(0.5), p99Ms: at(0.99) };
  }

  forget(): void {
    this.#late = [];
  }
}
