import type { QueuedNotice } from '../../store/contracts.ts';
import type { FindHome } from './find-home.ts';
import { DAY_MS, isDue, isGivenUp, LEASE_MS, waitAfter, type NoticeParts } from './notice-parts.ts';

const AT_ONCE = 100;
/** A handover whose patient is registered nowhere yet is looked at again after this. */
const LOOK_AGAIN_MS = 7 * DAY_MS;

/** Finds the homes of those who were seen, so that they can be told; or settles that nobody is. */
export class ResolveHomes {
  readonly #parts: NoticeParts;
  readonly #homes: FindHome;
  readonly #onReady: () => void;

  constructor(parts: NoticeParts, homes: FindHome, onReady: () => void) {
    this.#parts = parts;
    this.#homes = homes;
    this.#onReady = onReady;
  }

  /** @returns true while there are more */
  async round(): Promise<boolean> {
    const { store, stopping, now } = this.#parts;
    if (!isDue(await store.noticeQueue.firstDue('seen', ''), now())) return false;
    const rows = await store.noticeQueue.take('seen', '', now(), now() + LEASE_MS, AT_ONCE);
    for (const row of rows) {
      if (stopping.aborted) return false;
      if (!(await this.#resolve(row))) return false;
    }
    return rows.length === AT_ONCE;
  }

  /** @returns false when demographics cannot say now: it would not of the next either */
  async #resolve(row: QueuedNotice): Promise<boolean> {
    const { region, store, numbers, settings, now } = this.#parts;
    const queue = store.noticeQueue;
    const nhsNumber = row.sealedNumber && numbers.open(row.sealedNumber, row.patient);
    if (nhsNumber === undefined || isGivenUp(row, settings, now()) || (await this.#isSilent(row.patient))) {
      await this.#settle(row);
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
    if (home.kind === 'none-yet' && row.kind === 'handover') await queue.later([row], now() + LOOK_AGAIN_MS);
    else if (home.kind !== 'region' || home.region === region) await this.#settle(row);
    else if (home.current !== nhsNumber) await this.#underCurrent(row, home.current);
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
  async #underCurrent(row: QueuedNotice, current: string): Promise<void> {
    const { store, numbers, patientDigest, now } = this.#parts;
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
