import { setTimeout as pause } from 'node:timers/promises';

import { isWayleaveError } from '../../errors.ts';
import { errorFields, type Log } from '../../log.ts';
import { pollRecord, type Polling } from './poll-record.ts';

const LONGEST_WAIT_MS = 15 * 60_000;

export interface PollingStatus {
  readonly record: string;
  /** Encounters that it gave since the start, and of these, those that could not be read. */
  readonly encounters: number;
  readonly refused: number;
  /** ISO instants: when it was last asked to the end, and up to what change it is known. */
  readonly last?: string;
  readonly until?: string;
  /** Why it could not be asked to the end the last time. */
  readonly fault?: string;
}

export interface PollingParts extends Polling {
  readonly everyMs: number;
  /** False while clinicians' questions do not reach the record: it has trouble enough. */
  readonly isWell: () => boolean;
  readonly log: Log;
}

/** Asks one record again and again, and less often while that fails. */
export class EncounterPolling {
  readonly #parts: PollingParts;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  #status: PollingStatus;
  #failures = 0;

  constructor(parts: PollingParts) {
    this.#parts = parts;
    this.#status = { record: parts.link.record.id, encounters: 0, refused: 0 };
  }

  start(): void {
    this.#running ??= this.#run();
  }

  status(): PollingStatus {
    return this.#status;
  }

  /** Lets the page end that is under way. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await this.#once(signal);
      await pause(this.#waitMs(), undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  async #once(signal: AbortSignal): Promise<void> {
    const { isWell, log, now } = this.#parts;
    const { record, encounters, refused, ...before } = this.#status;
    if (!isWell()) {
      this.#status = { ...this.#status, fault: 'circuit-open' };
      return;
    }
    try {
      const round = await pollRecord(this.#parts, signal);
      this.#failures = 0;
      this.#status = {
        ...{ record, encounters: encounters + round.encounters, refused: refused + round.refused },
        ...{ last: new Date(now()).toISOString(), until: new Date(round.until).toISOString() },
      };
    } catch (error) {
      this.#failures += 1;
      const fault = isWayleaveError(error) ? error.code : 'internal';
      if (before.fault !== fault)
        log.warn({ ...errorFields(error), record }, 'Encounters could not be polled');
      this.#status = { ...this.#status, fault };
    }
  }

  #waitMs(): number {
    return Math.min(
      this.#parts.everyMs * 2 ** Math.min(this.#failures, 10),
      Math.max(LONGEST_WAIT_MS, this.#parts.everyMs),
    );
  }
}
