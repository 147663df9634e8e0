import { errorFields } from '../../log.ts';
import { homeOf } from '../../routing/home-region.ts';
import type { Registration, RegistrationSource } from '../../routing/registration.ts';
import { carryOver } from './carry-over.ts';
import type { NoticeParts } from './notice-parts.ts';

const LEAVERS_AT_ONCE = 500;

/**
 * Queues handovers: of those who left our register, and of those of whom demographics say that their home, which was ours, is
 * another. The new home is looked up before it is told, and what is then known goes along.
 */
export class HandOver {
  readonly #parts: NoticeParts;
  readonly #onQueued: () => void;

  constructor(parts: NoticeParts, onQueued: () => void) {
    this.#parts = parts;
    this.#onQueued = onQueued;
  }

  /** Who left the register since it was read last. @returns true while there are more */
  async round(): Promise<boolean> {
    const { register, store, now } = this.#parts;
    if (register === undefined) return false;
    const queue = store.noticeQueue;
    const leavers = await register.leavers(await queue.leaverCursor(), LEAVERS_AT_ONCE);
    const last = leavers.at(-1);
    if (last?.until === undefined) return false;
    const rows = leavers.map(({ patient, sealedNumber }) => ({
      ...{ patient, kind: 'handover' as const, sealedNumber },
    }));
    await queue.enqueue(rows, now(), 'at-once');
    // After them: whoever is killed in between queues them once more, which changes nothing.
    await queue.keepLeaverCursor({ until: last.until, patient: last.patient });
    this.#onQueued();
    return leavers.length === LEAVERS_AT_ONCE;
  }

  /** The same source, of which this hears every answer, a moment after whoever asked. */
  hearing(source: RegistrationSource): RegistrationSource {
    return {
      registrationOf: async (...asked) => {
        const registration = await source.registrationOf(...asked);
        void this.onRegistration(asked[0], registration).catch((error: unknown) =>
          this.#parts.log.warn(errorFields(error), 'a changed home is not noted'),
        );
        return registration;
      },
    };
  }

  /** What demographics say of a patient now. */
  async onRegistration(nhsNumber: string, registration: Registration): Promise<void> {
    const { region, directory, store, patientDigest, numbers, now } = this.#parts;
    const current = 'current' in registration ? registration.current : nhsNumber;
    if (current !== nhsNumber) await carryOver(this.#parts, nhsNumber, current);
    const home = homeOf(registration, directory, now());
    if (home.kind === 'none' || home.region === region) return;
    const patient = patientDigest(nhsNumber);
    const sealedNumber = (): Uint8Array => numbers.seal(nhsNumber, patient);
    const wasOurs = await this.#wasOurs(patient);
    const handover = { patient, kind: 'handover' } as const;
    if (wasOurs) await store.noticeQueue.enqueue([{ ...handover, sealedNumber: sealedNumber() }], now());
    let queued = wasOurs;
    for (const key of [{ patient, kind: 'held' } as const, handover]) {
      const told = await store.noticeQueue.toldTo(key);
      if (told === undefined || told === home.region) continue;
      await store.noticeQueue.homeChanged(key, home.region, sealedNumber(), now());
      queued = true;
    }
    if (queued) this.#onQueued();
  }

  /** By the register; or because it is known where else to look, which is known of our own patients alone. */
  async #wasOurs(patient: string): Promise<boolean> {
    const { register, store } = this.#parts;
    const entries = (await register?.of([patient])) ?? [];
    return entries.length > 0 || (await store.knownRegions.of([patient])).length > 0;
  }
}
