import { join } from 'node:path';

import { openStore, patientDigestOf } from '../../src/broker.ts';
import { loadSecrets } from '../../src/config/secrets.ts';
import type { RegionId } from '../../src/demo/places.ts';
import { PatientNumberSeal } from '../../src/evidence/patient-number-seal.ts';
import { Directory } from '../../src/routing/directory.ts';
import type { RegisterStore, Store } from '../../src/store/contracts.ts';
import { queueSeen } from '../../src/whereabouts/notices/queue-seen.ts';
import type { TestFederation } from './federation.ts';

/** A region's store and keys beside its running broker, as a command of it has them. */
export class BesideBroker {
  readonly store: Store;
  readonly digest: (nhsNumber: string) => string;
  readonly numbers: PatientNumberSeal;
  readonly #federation: TestFederation;
  readonly #region: RegionId;

  private constructor(federation: TestFederation, region: RegionId, store: Store) {
    this.#federation = federation;
    this.#region = region;
    this.store = store;
    const secrets = loadSecrets(join(federation.directory, 'keys', region, 'private'));
    this.digest = patientDigestOf(secrets);
    this.numbers = new PatientNumberSeal(secrets.patientDigestKey);
  }

  static async of(federation: TestFederation, region: RegionId): Promise<BesideBroker> {
    return new BesideBroker(federation, region, await openStore(federation.config(region)));
  }

  /** A feed tells of patients who were seen. */
  seen(
    patients: readonly string[],
    {
      organisation = this.#federation.config(this.#region).coverage.organisations[0] ?? '',
      register,
    }: { organisation?: string; register?: Pick<RegisterStore, 'of' | 'leavers'> } = {},
  ): Promise<void> {
    const { patient_notices: settings, directory } = this.#federation.config(this.#region);
    const parts = {
      ...{ region: this.#region, directory: new Directory(directory), settings, register },
      ...{ store: this.store, numbers: this.numbers, now: Date.now },
    };
    const seen = patients.map((nhsNumber) => ({
      ...{ nhsNumber, patient: this.digest(nhsNumber), organisation, lastSeen: Date.now() },
    }));
    return queueSeen(parts, () => undefined)(seen);
  }

  /** Where else this region knows to look for a patient: region ids with how it was told and by whom. */
  async known(nhsNumber: string): Promise<string[]> {
    const known = await this.store.knownRegions.of([this.digest(nhsNumber)]);
    return known.map(({ region, how, from }) => `${region} ${how} ${from}`).sort();
  }

  /** What neighbours told and is not decided. */
  async undecided(): Promise<number> {
    return (await this.store.noticeInbox.counts()).reduce((sum, { waiting }) => sum + waiting, 0);
  }

  /** `ready`, `seen`: how many wait here to be told of. */
  async waiting(): Promise<Record<string, number>> {
    const counts = await this.store.noticeQueue.counts();
    return Object.fromEntries(counts.map(({ state, home, count }) => [`${state} ${home}`.trim(), count]));
  }

  toldTo(nhsNumber: string, kind: 'held' | 'handover' = 'held'): Promise<string | undefined> {
    return this.store.noticeQueue.toldTo({ patient: this.digest(nhsNumber), kind });
  }
}
