import { DeliveryError } from './errors.ts';

/**
 * One budget for one piece of work, handed down to everything that the work calls.
 *
 * A deadline ends in one of two ways, and `reason` says which: its time is spent (`timeout`), or the caller
 * hung up (`cancelled`). Both abort `signal`, so that work nobody waits for stops.
 */
export interface Deadline {
  readonly signal: AbortSignal;
  /** Milliseconds left, never below zero. */
  remainingMs(): number;
  readonly reason: 'timeout' | 'cancelled' | undefined;
  /** The caller went away: stop the work. */
  cancel(): void;
  /** A part of what is left: at most `limitMs` (none: over at once), ending with this deadline at the latest. */
  within(limitMs: number): Deadline;
  /** The work is done: release the timer. */
  [Symbol.dispose](): void;
}

/** Starts a budget of `budgetMs` milliseconds now; one of none is over at once. */
export function startDeadline(budgetMs: number): Deadline {
  return TimedDeadline.start(budgetMs);
}

/**
 * Waits for shared work no longer than one's own deadline; the work goes on for the others who wait for it.
 *
 * @throws DeliveryError with the deadline's reason
 */
export function beforeEnd<Result>(
  work: Promise<Result>,
  deadline: Pick<Deadline, 'signal' | 'reason'>,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const end = (): void => reject(new DeliveryError(deadline.reason ?? 'timeout'));
    if (deadline.signal.aborted) end();
    deadline.signal.addEventListener('abort', end, { once: true });
    work.then(resolve, reject).finally(() => deadline.signal.removeEventListener('abort', end));
  });
}

class TimedDeadline implements Deadline {
  readonly #controller = new AbortController();
  readonly #endsAt: number;
  readonly #timer: NodeJS.Timeout;
  #unlink: () => void = () => undefined;
  reason: 'timeout' | 'cancelled' | undefined;

  constructor(budgetMs: number) {
    this.#endsAt = performance.now() + budgetMs;
    this.#timer = setTimeout(() => this.#end('timeout'), Math.max(0, budgetMs));
  }

  /** What has no time left is over now, not when the timer's turn comes: no work begins on it. */
  static start(budgetMs: number): TimedDeadline {
    const deadline = new TimedDeadline(budgetMs);
    if (budgetMs <= 0) deadline.#end('timeout');
    return deadline;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  remainingMs(): number {
    return Math.max(0, this.#endsAt - performance.now());
  }

  cancel(): void {
    this.#end('cancelled');
  }

  within(limitMs: number): Deadline {
    const remainingMs = this.remainingMs();
    const part = new TimedDeadline(Math.min(limitMs, remainingMs));
    const follow = (): void => part.#end(this.reason ?? 'cancelled');
    if (this.signal.aborted) follow();
    else if (limitMs <= 0 || remainingMs <= 0) part.#end('timeout');
    else {
      this.signal.addEventListener('abort', follow, { once: true });
      part.#unlink = () => this.signal.removeEventListener('abort', follow);
    }
    return part;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#unlink();
  }

  #end(reason: 'timeout' | 'cancelled'): void {
    if (this.reason !== undefined) return;
    this.reason = reason;
    this[Symbol.dispose]();
    this.#controller.abort();
  }
}
