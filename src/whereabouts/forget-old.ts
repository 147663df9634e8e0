import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';

import type { CareLocationTrail } from '../audit/care-location-trail.ts';
import { errorFields, type Log } from '../log.ts';
import type { CareLocationStore } from '../store/contracts.ts';
import { forgetBefore } from './walk-index.ts';

const DAY_MS = 86_400_000;
/** A broker that has just started has other work. */
const FIRST_MS = 60_000;
/** Between two steps of some milliseconds: a national index takes some hours. */
const STEP_MS = 200;

export interface Forgetting {
  readonly store: Pick<CareLocationStore, 'forget'>;
  readonly audit: Pick<CareLocationTrail, 'forgotten'>;
  readonly retentionDays: number;
  readonly now: () => number;
  readonly log: Log;
}

/** Once a day goes through the index and deletes what is older than the retention. Several replicas that do so do no harm. */
export class ForgetOld {
  readonly #parts: Forgetting;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;

  constructor(parts: Forgetting) {
    this.#parts = parts;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    for (let wait = FIRST_MS; ; wait = DAY_MS) {
      await pause(wait, undefined, { signal, ref: false }).catch(() => undefined);
      if (signal.aborted) return;
      await forgetOld(this.#parts, signal).catch((error: unknown) =>
        this.#parts.log.error(errorFields(error), 'old care locations not deleted'),
      );
    }
  }
}

/** One walk through the index. @returns how many locations were deleted, which is in the log then */
export async function forgetOld(
  { store, audit, retentionDays, now }: Omit<Forgetting, 'log'>,
  signal?: AbortSignal,
  stepMs = STEP_MS,
): Promise<number> {
  const before = now() - retentionDays * DAY_MS;
  const forgotten = await forgetBefore(store, before, stepMs, signal);
  const day = new Date(before).toISOString().slice(0, 10);
  if (forgotten > 0) await audit.forgotten(randomUUID(), forgotten, day);
  return forgotten;
}
