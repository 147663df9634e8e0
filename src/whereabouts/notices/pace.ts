import { setTimeout as pause } from 'node:timers/promises';

/** One turn after another, each at least so long after the one before, whoever waits for it. */
export class Pace {
  readonly #everyMs: number;
  #next = 0;

  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  /** Resolves when it is the caller's turn. @throws AbortError when it is to stop */
  async turn(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const now = performance.now();
    const at = Math.max(now, this.#next);
    this.#next = at + this.#everyMs;
    if (at > now) await pause(at - now, undefined, { signal, ref: false });
  }
}
