import { hash } from 'node:crypto';

import { HouseError } from '../../src/errors.ts';
import { ToldRestrictions } from '../../src/routing/told-restrictions.ts';
import type { ToldRestrictionStore } from '../../src/store/contracts.ts';
import { SILENT } from '../upstream/scripted-server.ts';

export const digestOf = (nhsNumber: string): string => hash('sha256', nhsNumber, 'base64url');

/** A store of restrictions in memory, whose disk fails when a test says so. */
export class RestrictionsInMemory implements ToldRestrictionStore {
  readonly rows = new Map<string, number>();
  writesFail = false;
  readsFail = false;
  /** Calls that wrote. */
  writes = 0;

  async record(told: Parameters<ToldRestrictionStore['record']>[0]): Promise<void> {
    this.#write();
    for (const { patient, told: at } of told)
      this.rows.set(patient, Math.max(at, this.rows.get(patient) ?? at));
  }

  async lift(patients: readonly string[], before: number): Promise<void> {
    this.#write();
    for (const one of patients) if ((this.rows.get(one) ?? before) < before) this.rows.delete(one);
  }

  async of(patients: readonly string[]) {
    if (this.readsFail) throw new HouseError('store-unavailable');
    return [...this.rows]
      .filter(([patient]) => patients.includes(patient))
      .map(([patient, told]) => ({ patient, told }));
  }

  #write(): void {
    if (this.writesFail) throw new HouseError('store-unavailable');
    this.writes += 1;
  }
}

/** What one replica remembers, on a store that others may share. */
export function remembering(
  store: ToldRestrictionStore = new RestrictionsInMemory(),
  now: () => number = Date.now,
): ToldRestrictions {
  return new ToldRestrictions({ store, patientDigest: digestOf, log: SILENT, now });
}
