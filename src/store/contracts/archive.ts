import type { SealedValues } from './log.ts';

/** Entries `from` to `to` (not included) of a log, in a file of their own. */
export interface Segment {
  readonly log: string;
  readonly from: number;
  readonly to: number;
  /** Its name, without a directory. */
  readonly file: string;
  /** Of the file's bytes, hexadecimal. */
  readonly sha256: string;
  /** The wall clocks of its entries lie between these, both included. */
  readonly oldest: number;
  readonly newest: number;
  readonly archivedAt: number;
  /** Since when its entries are, or are being, deleted here; undefined while they are not. */
  readonly prunedAt: number | undefined;
}

/** A key of one entry alone, wrapped: it stays when the entry is pruned, so that erasing reaches archived copies. */
export interface EntryKey extends Pick<SealedValues, 'wrappedBy' | 'wrappedKey'> {
  readonly sequence: number;
}

/** What of our logs lies in files, and the deletion of what lies there. */
export interface ArchiveStore {
  /** @returns false, and nothing is kept, unless it begins where the last segment of its log ends */
  register(segment: Omit<Segment, 'prunedAt'>): Promise<boolean>;
  /** Of one log, those that begin at `from` or after, oldest first, at most `limit` (1 to 1,000). */
  segments(log: string, from: number, limit: number): Promise<Segment[]>;
  /** The newest of a log. */
  last(log: string): Promise<Segment | undefined>;
  /**
   * From now on the log begins at the end of the segment that begins at `from`; `prune` deletes what is before.
   *
   * @returns false, and nothing is changed, unless it is the first of its log that is not pruned, and the tree's tiles
   *   hold all its leaves' hashes
   */
  beginPrune(log: string, from: number, at: number): Promise<boolean>;
  /**
   * Deletes entries before the place where the log begins, oldest first, about `limit` (1 to 10,000) of them, in one
   * atomic step; their wrapped keys and the tree stay.
   *
   * @returns how many were deleted; 0 when none is left
   */
  prune(log: string, limit: number): Promise<number>;
  /** Pruned segments of any log with entries in a span of time (`to` not included), newest first, at most `limit` (1 to 1,000). */
  prunedWithin(from: number, to: number, limit: number): Promise<Segment[]>;
  /** Segments of any log by the names of their files, at most 1,000 of them. */
  named(files: readonly string[]): Promise<Segment[]>;
  /** The keys of the entries `from` to `to` (not included; at most 10,000 of them) that were not erased. */
  keys(log: string, from: number, to: number): Promise<EntryKey[]>;
}

/** An entry's key that is wrapped anew, by another key than the `former` one. */
export interface KeyChange extends EntryKey {
  readonly former: string;
}

/** The wrapped keys of entries, of those too that are pruned: no leaf covers how a key is wrapped. */
export interface KeyStore {
  /** From `from` on those that were not erased, by sequence, at most `limit` (1 to 500). */
  page(log: string, from: number, limit: number): Promise<EntryKey[]>;
  /**
   * Replaces at most 500 wrapped keys in one atomic durable step: each only where it is still there, wrapped by `former`.
   * One that is being erased or moved at that moment is left as it is.
   *
   * @returns the sequences of those that were replaced, in order
   */
  rewrap(log: string, changes: readonly KeyChange[]): Promise<number[]>;
}
