import type { LogStore } from '../store/contracts.ts';
import type { AuditTrail } from './trail.ts';

const MINUTE = 60_000;
/** How far back a summary looks: counts from before a stop of the broker are not lost. */
const LOOK_BACK = 24 * 60 * MINUTE;
/** A store gives a thousand counts at a time; a minute has at most some dozens of codes. */
const WINDOW = 10 * MINUTE;

/**
 * Refusals before identity is proved are counted, and each minute that is over becomes one entry per code: whoever
 * knocks from outside cannot fill the log.
 */
export class RefusalSummary {
  readonly #store: LogStore;
  readonly #trail: AuditTrail;
  readonly #now: () => number;
  #timer: NodeJS.Timeout | undefined;
  /** Minutes before this one are in the log. */
  #summarised: number | undefined;
  #running: Promise<void> | undefined;

  constructor(store: LogStore, trail: AuditTrail, now: () => number) {
    this.#store = store;
    this.#trail = trail;
    this.#now = now;
  }

  /** @param onError what failed is tried again a minute later */
  start(onError: (error: unknown) => void): void {
    this.#timer = setInterval(() => {
      this.#running ??= this.summarise()
        .catch(onError)
        .finally(() => (this.#running = undefined));
    }, MINUTE).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }

  /** Writes the entries of every minute that is over and was not written yet, the oldest first. */
  async summarise(): Promise<void> {
    const over = Math.floor(this.#now() / MINUTE) * MINUTE;
    const last = await this.#lastInLog(over);
    // Another replica of ours may have written since.
    this.#summarised = Math.max(this.#summarised ?? over - LOOK_BACK, last);
    for (let from = this.#summarised; from < over; from = this.#summarised) {
      const to = Math.min(from + WINDOW, over);
      const counts = (await this.#store.counts(from, to)).filter(({ code }) => code !== 'health-write');
      const minutes = Map.groupBy(counts.toReversed(), ({ minute }) => minute);
      await Promise.all(
        [...minutes].map(([minute, told]) => this.#trail.refusalsCounted(minute, told, over + 2 * LOOK_BACK)),
      );
      this.#summarised = to;
    }
  }

  async #lastInLog(over: number): Promise<number> {
    const [last] = await this.#store.search({
      from: over - LOOK_BACK,
      to: over + LOOK_BACK,
      event: 'refusals-counted',
      limit: 1,
    });
    if (last === undefined) return over - LOOK_BACK;
    const { detail } = JSON.parse(Buffer.from(last.leaf).toString('utf8')) as { detail: { minute: number } };
    return detail.minute + MINUTE;
  }
}
