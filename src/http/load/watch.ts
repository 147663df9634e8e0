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
}

/** Of the last whole span of ten seconds, or of the first while it lasts. */
export interface LoopStatus {
  readonly p99Ms: number;
  /** How often the event loop was blocked for long since the start. */
  readonly blocked: number;
}

const TICK_MS = 50;
const TICKS_IN_A_WINDOW = 5;
const WINDOWS_IN_A_SPAN = 40;
/** A log that keeps an entry waiting for longer does not keep up: three of them are on every query's way. */
const LOG_WAIT_MS = 1_000;

/**
 * Watches whether we ourselves keep up, four times a second, and has the gate learn from it. A neighbour or a record that
 * is waited for shows in neither sign.
 */
export class LoadWatch {
  readonly #settings: LoadWatchSettings;
  readonly #window = new LoopDelays();
  readonly #span = new LoopDelays();
  #ticks = 0;
  #lastSpanMs: number | undefined;
  #blocked = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(settings: LoadWatchSettings) {
    this.#settings = settings;
  }

  start(): void {
    this.#window.start();
    this.#span.start();
    this.#timer = setInterval(() => this.#tick(), TICK_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#window.stop();
    this.#span.stop();
  }

  status(): LoopStatus {
    return { p99Ms: Math.round(this.#lastSpanMs ?? this.#span.seen().p99Ms), blocked: this.#blocked };
  }

  #tick(): void {
    this.#ticks += 1;
    if (this.#ticks % (TICKS_IN_A_WINDOW * WINDOWS_IN_A_SPAN) === 0) {
      this.#lastSpanMs = this.#span.take().p99Ms;
    }
    if (this.#ticks % TICKS_IN_A_WINDOW === 0) this.#windowIsOver();
    else this.#settings.gate.tick();
  }

  #windowIsOver(): void {
    const { gate, logWaitMs, loopDelayMs, blockedMs, log } = this.#settings;
    const { medianMs, longestMs } = this.#window.take();
    gate.learn(medianMs > loopDelayMs || logWaitMs() > LOG_WAIT_MS);
    if (longestMs < blockedMs) return;
    this.#blocked += 1;
    log.warn({ ms: Math.round(longestMs) }, 'the event loop was blocked');
  }
}
