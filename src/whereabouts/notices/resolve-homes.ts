import type { QueuedNotice } from '../../store/contracts.ts';
import { carryOver } from './carry-over.ts';
import type { FindHome } from './find-home.ts';
import type { GivenUp } from './given-up.ts';
import {
  DAY_MS,
  isDue,
  isGivenUp,
  LEASE_MS,
  LOOK_AGAIN_MS,
  MOST_UNANSWERED,
  waitAfter,
  type NoticeParts,
} from './notice-parts.ts';

const AT_ONCE = 100;

/** Finds the homes of those who were seen, so that they can be told; or settles that nobody is. */
export class ResolveHomes {
  readonly #parts: NoticeParts;
  readonly #homes: FindHome;
  readonly #givenUp: GivenUp;
  readonly #onReady: () => void;

  constructor(parts: NoticeParts, homes: FindHome, givenUp: GivenUp, onReady: () => void) {
    this.#parts = parts;
    this.#homes = homes;
    this.#givenUp = givenUp;
    this.#onReady = onReady;
  }

  /** @returns true while there are more */
  async round(): Promise<boolean> {
    const { store, stopping, now } = this.#parts;
    if (!isDue(await store.noticeQueue.firstDue('seen', ''), now())) return false;
    const rows = await store.noticeQueue.take('seen', '', now(), now() + LEASE_MS, AT_ONCE);
    let unanswered = 0;
    for (const row of rows) {
      if (stopping.aborted) return false;
      unanswered = (await this.#resolve(row)) ? 0 : unanswered + 1;
      if (unanswered === MOST_UNANSWERED) return false;
    }
    return rows.length === AT_ONCE;
  }

  /** @returns false when demographics cannot say now */
  async #resolve(row: QueuedNotice): Promise<boolean> {
    const { region, store, numbers, settings, now } = this.#parts;
    const queue = store.noticeQueue;
    const nhsNumber = row.sealedNumber && numbers.open(row.sealedNumber, row.patient);
    if (nhsNumber === undefined || (await this.#isSilent(row.patient))) {
      await this.#settle(row);
      return true;
    }
    if (isGivenUp(row, settings, now())) {
      await this.#givenUp.settle('', [row]);
      return true;
    }
    // A handover is for those of whom the register does not know that they left, too.
    const home = await (row.kind === 'held'
      ? this.#homes.of(nhsNumber, row.patient)
      : this.#homes.byDemographics(nhsNumber));
    if (home.kind === 'not-known-now') {
      await queue.later([row], now() + waitAfter(row.tries));
      return false;
    }
    if (home.kind === 'none-yet') await queue.later([row], now() + LOOK_AGAIN_MS);
    else if (home.kind !== 'region' || home.region === region) await this.#settle(row);
    else if (home.current !== nhsNumber) await this.#underCurrent(row, nhsNumber, home.current);
    else {
      await queue.move([row], { state: 'ready', home: home.region }, now(), now() + settings.every_ms);
      this.#onReady();
    }
    return true;
  }

  /** Who objected, or is restricted here, is told of to nobody. */
  async #isSilent(patient: string): Promise<boolean> {
    const { store, now } = this.#parts;
    return (await store.objections.inForce([patient], now())).length > 0;
  }

  /** The number was replaced: the home knows the patient by the other, and so may our own list of objections. */
  async #underCurrent(row: QueuedNotice, superseded: string, current: string): Promise<void> {
    const { store, numbers, patientDigest, now } = this.#parts;
    await carryOver(this.#parts, superseded, current);
    const patient = patientDigest(current);
    const sealedNumber = numbers.seal(current, patient);
    await store.noticeQueue.enqueue([{ patient, kind: row.kind, sealedNumber }], now());
    await this.#settle(row);
  }

  async #settle(row: QueuedNotice): Promise<void> {
    const { store, settings, now } = this.#parts;
    await store.noticeQueue.move([row], { state: 'settled' }, now(), now() + settings.renew_days * DAY_MS);
  }
}
