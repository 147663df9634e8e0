import type { OnSeen, SeenPatient } from '../../routing/seen-patients.ts';
import type { CarePlace, SightingStage } from '../../store/contracts.ts';
import { dayOf, PATIENT_BYTES } from '../../store/sightings.ts';
import type { Row } from './row-reader.ts';

interface Named {
  readonly nhsNumber: string;
  readonly digest: Buffer;
  /** The same as text; empty where nobody is told. */
  readonly patient: string;
}

/** Puts rows into a stage, with their places numbered in the order in which they came, and tells whom they are about. */
export class Staging {
  readonly #stage: SightingStage;
  readonly #digest: (nhsNumber: string) => Buffer;
  readonly #source: string;
  readonly #onSeen: OnSeen | undefined;
  readonly #places: CarePlace[];
  readonly #numbers = new Map<string, number>();
  /** A patient's rows often come together. */
  #last: Named = { nhsNumber: '', digest: Buffer.alloc(0), patient: '' };
  #seen: SeenPatient[] = [];

  /** @param source of rows that name none @param places those numbered before, by whoever began with this stage */
  constructor(
    stage: SightingStage,
    digest: (nhsNumber: string) => Buffer,
    source: string,
    places: CarePlace[],
    onSeen: OnSeen | undefined,
  ) {
    this.#stage = stage;
    this.#digest = digest;
    this.#source = source;
    this.#places = places;
    this.#onSeen = onSeen;
    places.forEach((place, number) => this.#numbers.set(keyOf(place), number));
  }

  add({ nhsNumber, organisations, source, firstSeen, lastSeen }: Row): void {
    if (this.#last.nhsNumber !== nhsNumber) this.#last = this.#named(nhsNumber);
    const { digest, patient } = this.#last;
    const key = digest.subarray(0, PATIENT_BYTES);
    const [firstDay, lastDay] = [dayOf(firstSeen), dayOf(lastSeen)];
    for (const organisation of organisations) {
      const place = this.#numberOf({ organisation, source: source === '' ? this.#source : source });
      this.#stage.add({ key, place, firstDay, lastDay });
      if (this.#onSeen === undefined) continue;
      this.#seen.push({ nhsNumber, patient, organisation, lastSeen });
    }
  }

  /** Awaited before the stage is marked: what is marked comes no second time. */
  async tellSeen(): Promise<void> {
    const seen = this.#seen;
    this.#seen = [];
    if (seen.length > 0) await this.#onSeen?.(seen);
  }

  #named(nhsNumber: string): Named {
    const digest = this.#digest(nhsNumber);
    return { nhsNumber, digest, patient: this.#onSeen === undefined ? '' : digest.toString('base64url') };
  }

  #numberOf(place: CarePlace): number {
    const key = keyOf(place);
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    this.#numbers.set(key, this.#places.length);
    return this.#places.push(place) - 1;
  }
}

const keyOf = ({ organisation, source }: CarePlace): string => `${organisation} ${source}`;
