import type { CheckpointStore, StoredCheckpoint } from '../../store/contracts.ts';
import { looksCosigned } from '../../tlog/checkpoint.ts';
import type { Checkpoints } from '../witnessing/checkpoints.ts';

export interface CoveringSettings {
  readonly checkpointStore: CheckpointStore;
  /** Signs a checkpoint when none covers the entries yet. */
  readonly checkpoints: Checkpoints;
}

/** How many later checkpoints are looked at for one that a neighbour has cosigned. */
const MOST_CHECKPOINTS = 100;

/** No checkpoint of a log covers these entries, and it is not ours to sign one: another process writes it, or none. */
export class NotCovered extends Error {
  readonly origin: string;

  constructor(origin: string) {
    super('not covered');
    this.origin = origin;
  }
}

/**
 * The first checkpoint that covers `size` entries and that a neighbour has cosigned; else the first; else a new one.
 *
 * @throws NotCovered
 */
export async function covering(
  size: number,
  origin: string,
  { checkpointStore, checkpoints }: CoveringSettings,
): Promise<StoredCheckpoint> {
  const first = await checkpointStore.covering(origin, size);
  let one = first;
  for (let seen = 0; one !== undefined && seen < MOST_CHECKPOINTS; seen += 1) {
    if (looksCosigned(one.note)) return one;
    one = await checkpointStore.covering(origin, one.size + 1);
  }
  if (first !== undefined) return first;
  if (origin !== checkpoints.origin) throw new NotCovered(origin);
  return checkpoints.sign();
}
