import { HouseError } from '../../src/errors.ts';
import type { AuditRow, Store } from '../../src/store/contracts.ts';

/** A store in memory whose disk fails when a test says so. Every patient was treated at `treatedAt`. */
export class ScriptedStore implements Store {
  readonly rows: AuditRow[] = [];
  readonly counts = new Map<string, number>();
  /** Says whether these rows can be written. */
  writes: (rows: readonly AuditRow[]) => boolean = () => true;
  readsFail = false;
  readonly #spent = new Set<string>();
  readonly #treatedAt: readonly string[];

  constructor(treatedAt: readonly string[]) {
    this.#treatedAt = treatedAt;
  }

  readonly replay: Store['replay'] = {
    spend: async (issuer, jti) => {
      const first = !this.#spent.has(`${issuer} ${jti}`);
      this.#spent.add(`${issuer} ${jti}`);
      return first;
    },
  };

  readonly audit: Store['audit'] = {
    append: async (rows) => {
      if (!this.writes(rows)) throw new HouseError('audit-unavailable');
      this.rows.push(...rows);
    },
    count: async (code) => void this.counts.set(code, (this.counts.get(code) ?? 0) + 1),
    page: async () => [],
    counts: async () => [],
  };

  readonly careLocations: Store['careLocations'] = {
    record: async () => undefined,
    of: async ([patient = '']) => {
      if (this.readsFail) throw new HouseError('store-unavailable');
      return this.#treatedAt.map((organisation) => ({
        patient,
        organisation,
        firstSeen: 0,
        lastSeen: 0,
        source: 'test',
      }));
    },
  };

  readonly objections: Store['objections'] = {
    record: async () => undefined,
    inForce: async () => [],
  };

  healthy(): Promise<boolean> {
    return Promise.resolve(!this.readsFail);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
