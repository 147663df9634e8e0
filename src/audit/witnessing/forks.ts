import type { CheckpointStore, Fork } from '../../store/contracts.ts';
import type { AuditTrail } from '../trail.ts';

/** Keeps forks as proof: the notes themselves, and an entry of our own log that says when we saw them. */
export class Forks {
  readonly #store: CheckpointStore;
  readonly #trail: AuditTrail;
  readonly #now: () => number;

  constructor(store: CheckpointStore, trail: AuditTrail, now: () => number) {
    this.#store = store;
    this.#trail = trail;
    this.#now = now;
  }

  /** @throws HouseError `store-unavailable`, `audit-unavailable` */
  async keep(region: string, fork: Fork): Promise<void> {
    const isNew = await this.#store.keepFork({ ...fork, at: this.#now() });
    if (isNew) await this.#trail.forkSeen(region, fork);
  }

  async list(): Promise<{ origin: string; seen: string }[]> {
    const forks = await this.#store.forks(100);
    return forks.map(({ origin, at }) => ({ origin, seen: new Date(at).toISOString() }));
  }
}
