import type { CheckpointStore, Fork } from '../../store/contracts.ts';
import type { Checkpoint } from '../../tlog/checkpoint.ts';
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

/** The root that a note of ours or of a verified log says, without verifying it again. */
export function headIn(note: string): Pick<Checkpoint, 'size' | 'root'> {
  const [, size = '', root = ''] = note.split('\n');
  return { size: Number(size), root: Buffer.from(root, 'base64') };
}
