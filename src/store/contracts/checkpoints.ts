/** A signed head of one of our own logs, with the cosignatures that it has so far. */
export interface StoredCheckpoint {
  readonly size: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** C2SP signed note. */
  readonly note: string;
}

/** Two heads that one log signed, and that no honest log can have signed both. */
export interface Fork {
  readonly origin: string;
  /** The notes, as they were signed. */
  readonly held: string;
  readonly seen: string;
}

export interface KeptFork extends Fork {
  readonly at: number;
}

/** Our logs' checkpoints, and those of others that we witness (C2SP tlog-witness). */
export interface CheckpointStore {
  /** Inserts, or replaces that of the same size by a longer note: one that gained cosignatures never loses them. */
  save(log: string, checkpoint: StoredCheckpoint): Promise<void>;
  /** The largest at most `upTo`; of all, when that is left out. */
  latest(log: string, upTo?: number): Promise<StoredCheckpoint | undefined>;
  /** From `size` on, smallest first, at most `limit` (1 to 1,000). */
  page(log: string, size: number, limit: number): Promise<StoredCheckpoint[]>;
  /** Deletes those of these sizes (at most 1,000), but never the largest of the log. */
  remove(log: string, sizes: readonly number[]): Promise<void>;
  /** The smallest with at least `size` entries. */
  covering(log: string, size: number): Promise<StoredCheckpoint | undefined>;
  /** All that we cosigned last for others, by origin, at most 1,000. */
  allWitnessed(): Promise<(StoredCheckpoint & { readonly origin: string })[]>;
  /** What we cosigned last for another's log. */
  witnessed(origin: string): Promise<StoredCheckpoint | undefined>;
  /**
   * Stores what is about to be cosigned, if what was cosigned last still has `oldSize` entries (0: none was).
   * Durable and atomic: the cosignature may leave when this resolves true.
   */
  witness(origin: string, oldSize: number, checkpoint: StoredCheckpoint): Promise<boolean>;
  /** Keeps a fork, once for each pair of notes. @returns false when it was kept before */
  keepFork(fork: KeptFork): Promise<boolean>;
  /** The newest first, at most `limit` (1 to 1,000). */
  forks(limit: number): Promise<KeptFork[]>;
}
