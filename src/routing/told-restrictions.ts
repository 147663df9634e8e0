import { errorFields, type Log } from '../log.ts';
import type { ToldRestrictionStore } from '../store/contracts.ts';
import type { Registration } from './registration.ts';

interface Parts {
  readonly store: ToldRestrictionStore;
  readonly patientDigest: (nhsNumber: string) => string;
  readonly log: Log;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/**
 * Remembers whom demographics told last as restricted, by digest alone, for when they cannot be asked: over restarts, and
 * for every replica on the store. In doubt which of two answers was the later one the patient stays restricted.
 */
export class ToldRestrictions {
  readonly #parts: Parts;
  /** Told and not on the disk, as when that failed: digest and when. It counts, and is written with the next answer. */
  readonly #unwritten = new Map<string, number>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * An answer of demographics themselves, before it is used. That a patient is restricted is on the disk when this resolves:
   * written a moment after, it would be lost with a broker that is killed in between, and who waits is one who asks nobody.
   * Never rejects: an answer that cannot be kept is used all the same, and a restriction counts here from now on.
   *
   * @param askedAt when the question was sent: only what was told before is lifted by its answer
   */
  async heard(nhsNumber: string, registration: Registration, askedAt: number): Promise<void> {
    const { patientDigest, log, now } = this.#parts;
    // Of a superseded number it is told of both. Who is not known, or whose number is invalid, is not told as unrestricted.
    const numbers = 'current' in registration ? [nhsNumber, registration.current] : [];
    const patients = [...new Set(numbers)].map(patientDigest);
    const at = now();
    if (registration.kind === 'restricted') for (const one of patients) this.#unwritten.set(one, at);
    try {
      await this.#write();
      if (registration.kind !== 'restricted') await this.#lift(patients, askedAt);
    } catch (error) {
      log.error(errorFields(error), 'what demographics say of restrictions is not kept');
    }
  }

  /** Whether the last that was told of this number is that the patient is restricted. @throws HouseError `store-unavailable` */
  async has(nhsNumber: string): Promise<boolean> {
    const patient = this.#parts.patientDigest(nhsNumber);
    return this.#unwritten.has(patient) || (await this.#parts.store.of([patient])).length > 0;
  }

  async #write(): Promise<void> {
    const told = [...this.#unwritten].map(([patient, at]) => ({ patient, told: at }));
    if (told.length === 0) return;
    await this.#parts.store.record(told);
    for (const { patient, told: at } of told) {
      if (this.#unwritten.get(patient) === at) this.#unwritten.delete(patient);
    }
  }

  async #lift(patients: readonly string[], askedAt: number): Promise<void> {
    const held = await this.#parts.store.of(patients);
    const older = held.filter(({ told }) => told < askedAt).map(({ patient }) => patient);
    // Nearly every answer lifts nothing, and writes nothing.
    if (older.length > 0) await this.#parts.store.lift(older, askedAt);
  }
}
