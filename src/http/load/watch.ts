import type { Log } from '../../log.ts';
import type { Gate } from './gate.ts';
import { LoopDelays } from './loop-delays.ts';

export interface LoadWatchSettings {
  readonly gate: Pick<Gate, 'learn' | 'tick'>;
  /** For how long the oldest append to the log has been waiting to be on the disk, in milliseconds. */
  readonly logWaitMs: () => number;
  readonly loopDelayMs: number;
  readonly blockedMs: number;
  readonly log: Log;
  /** Milliseconds of a clock that never goes back. */
  readonly clock: () => number;
}

/** Of the last whole ten seconds, or of the first while they last. */
export interface LoopStatus {
  readonly p99Ms: number;
  /** How often the event loop was blocked for long since the start. */
  readonly blocked: number;
}

const LOOK_MS = 20;
const WINDOW_MS = 250;
/** Fewer say nothing: after one long pause its look is the only one. */
const LEAST_LOOKS = 3;
const SPAN_MS = 10_000;
/** A log that keeps an entry waiting for longer does not keep up: three of them are on every query's way. */
const LOG_WAIT_MS = 1_000;

/**
 * Watches whether we ourselves keep up, and has the gate learn from it four times a second. A neighbour or a record that
 * is waited for shows in neither sign.
 */
export class LoadWatch {
  readonly #settings: LoadWatchSettings;
  readonly #window = new LoopDelays();
  readonly #span = new LoopDelays();
  readonly #since: { look: number; window: number; span: number };
  #lastSpanMs: number | undefined;
  #blocked = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(settings: LoadWatchSettings) {
    this.#settings = settings;
    const now = settings.clock();
    this.#since = { look: now, window: now, span: now };
  }

  start(): void {
    this.#since.look = this.#settings.clock();
    this.#timer = setInterval(() => this.look(), LOOK_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  status(): LoopStatus {
    return { p99Ms: Math.round(this.#lastSpanMs ?? this.#span.seen().p99Ms), blocked: this.#blocked };
  }

  /** One look, which was due 20 ms after the one before. */
  look(): void {
    const { clock, gate } = this.#settings;
    const now = clock();
    const lateMs = Math.max(0, now - this.#since.look - LOOK_MS);
    this.#since.look = now;
    this.#window.add(lateMs);
    this.#span.add(lateMs);
    this.#tellBlocked(lateMs);
    gate.tick();
    if (now - this.#since.window >= WINDOW_MS && this.#window.looks >= LEAST_LOOKS) this.#endWindow(now);
    if (now - this.#since.span >= SPAN_MS) this.#endSpan(now);
  }

  #endWindow(now: number): void {
    const { gate, logWaitMs, loopDelayMs } = this.#settings;
    gate.learn(this.#window.seen().medianMs > loopDelayMs || logWaitMs() > LOG_WAIT_MS);
    this.#window.forget();
    this.#since.window = now;
  }

  #endSpan(now: number): void {
    this.#lastSpanMs = this.#span.seen().p99Ms;
    this.#span.forget();
    this.#since.span = now;
  }

  #tellBlocked(lateMs: number): void {
    const { blockedMs, log } = this.#settings;
    if (lateMs < blockedMs) return;
    this.#blocked += 1;
    log.warn({ ms: Math.round(lateMs) }, 'the event loop was blocked');
  }
}
