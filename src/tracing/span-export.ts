import type { Log } from '../log.ts';
import { errorFields } from '../log.ts';
import type { EndedSpan } from '../span.ts';

export interface ExportSettings {
  /** Sends spans, within a time of its own. @returns how many of them were rejected; rejects where none arrived */
  readonly send: (spans: readonly EndedSpan[]) => Promise<number>;
  /** What waits at most; more is dropped. */
  readonly queueSpans: number;
  readonly everyMs: number;
  /** Called with what became of spans. */
  readonly onSpans: (what: SpanFate, count: number) => void;
  readonly log: Log;
}

/** `queue-full`: there was no room; `not-sent`: the receiver was not reached, or refused them all; `rejected`: it took others. */
export type SpanFate = 'exported' | 'queue-full' | 'not-sent' | 'rejected';

const BATCH = 512;
const LONGEST_PAUSE_MS = 60_000;

/**
 * Hands spans to a receiver beside what they tell of: nothing waits for it. What finds no room, or does not arrive, is
 * dropped and counted; a receiver that is away is tried less and less often.
 */
export class SpanExport {
  readonly #settings: ExportSettings;
  #waiting: EndedSpan[] = [];
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;
  #failures = 0;

  constructor(settings: ExportSettings) {
    this.#settings = settings;
  }

  add(span: EndedSpan): void {
    const { queueSpans, everyMs, onSpans } = this.#settings;
    if (this.#waiting.length >= queueSpans) return onSpans('queue-full', 1);
    this.#waiting.push(span);
    this.#wake(everyMs);
  }

  /** Sends what waits, once; what does not arrive is dropped. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#sending;
    while (this.#waiting.length > 0 && this.#failures === 0) await this.#sendOne();
    if (this.#waiting.length > 0) this.#settings.onSpans('not-sent', this.#waiting.splice(0).length);
    clearTimeout(this.#timer);
  }

  #wake(inMs: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#sending ??= this.#sendOne().finally(() => {
        this.#sending = undefined;
        if (this.#waiting.length > 0) this.#wake(this.#pauseMs());
      });
    }, inMs).unref();
  }

  /** A full batch waits for nothing, unless the receiver is away. */
  #pauseMs(): number {
    const { everyMs } = this.#settings;
    if (this.#failures > 0) return Math.min(everyMs * 2 ** this.#failures, LONGEST_PAUSE_MS);
    return this.#waiting.length >= BATCH ? 0 : everyMs;
  }

  /** Never rejects. */
  async #sendOne(): Promise<void> {
    const { send, onSpans, log } = this.#settings;
    const batch = this.#waiting.splice(0, BATCH);
    if (batch.length === 0) return;
    try {
      const rejected = Math.min(await send(batch), batch.length);
      onSpans('exported', batch.length - rejected);
      if (rejected > 0) onSpans('rejected', rejected);
      if (this.#failures > 0) log.info({}, 'traces are taken again');
      this.#failures = 0;
    } catch (error) {
      onSpans('not-sent', batch.length);
      if (this.#failures === 0) log.warn(errorFields(error), 'traces are not taken');
      this.#failures += 1;
    }
  }
}
