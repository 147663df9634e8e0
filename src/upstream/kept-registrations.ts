import type { DemographicsConfig } from '../config/schema.ts';
import type { Registration } from '../routing/registration.ts';

/** An answer, until when it serves, and until when it stands in. Milliseconds since the epoch. */
interface Kept {
  readonly registration: Registration;
  readonly freshUntil: number;
  readonly until: number;
}

/**
 * What demographics answered, for a while. It is asked again soon, so that a patient who has become restricted is
 * known as such; an older answer stands in only where it is not reached.
 */
export class KeptRegistrations {
  readonly #settings: DemographicsConfig['cache'];
  readonly #now: () => number;
  readonly #kept = new Map<string, Kept>();

  constructor(settings: DemographicsConfig['cache'], now: () => number) {
    this.#settings = settings;
    this.#now = now;
  }

  fresh(nhsNumber: string): Registration | undefined {
    const kept = this.#kept.get(nhsNumber);
    return kept !== undefined && this.#now() < kept.freshUntil ? kept.registration : undefined;
  }

  standIn(nhsNumber: string): Registration | undefined {
    const kept = this.#kept.get(nhsNumber);
    return kept !== undefined && this.#now() < kept.until ? kept.registration : undefined;
  }

  /** The oldest goes when there are too many. */
  keep(nhsNumber: string, registration: Registration): void {
    const { entries, fresh_seconds: fresh, seconds } = this.#settings;
    this.#kept.delete(nhsNumber);
    if (entries === 0 || seconds === 0) return;
    const oldest = this.#kept.size >= entries ? this.#kept.keys().next().value : undefined;
    if (oldest !== undefined) this.#kept.delete(oldest);
    const now = this.#now();
    const freshUntil = now + Math.min(fresh, seconds) * 1000;
    this.#kept.set(nhsNumber, { registration, freshUntil, until: now + seconds * 1000 });
  }
}
