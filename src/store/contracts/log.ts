import type { TileId } from '../../tlog/tiles.ts';
import type { Decision } from './decisions.ts';

/**
 * One entry for the log, ready to be numbered. What is under `index` finds it again and is no part of what the
 * log's tree covers; `facts` is, and names nobody.
 */
export interface NewEntry {
  /** Wall clock, milliseconds since the epoch. */
  readonly at: number;
  readonly event: string;
  /** Ties the entries of one viewer request (requester) or one query (responder) together. */
  readonly exchange: string;
  /** JSON members of the leaf, without the braces and without `seq`. */
  readonly facts: string;
  readonly index: EntryIndex;
  /** What the leaf commits to and does not say: encrypted, with its own key wrapped. Absent: nothing is sealed. */
  readonly sealed?: SealedValues | undefined;
  /** `open`: work has begun that another entry of the same exchange will end; `close`: this is that entry. */
  readonly work?: 'open' | 'close' | undefined;
}

export interface EntryIndex {
  readonly region?: string | undefined;
  readonly jti?: string | undefined;
  /** Keyed digests: of the NHS number, of the user. */
  readonly patient?: string | undefined;
  readonly user?: string | undefined;
  readonly organisation?: string | undefined;
  readonly outcome?: string | undefined;
  readonly breakGlass?: boolean | undefined;
}

export interface SealedValues {
  /** Names the key that wraps this entry's own. */
  readonly wrappedBy: string;
  readonly wrappedKey: Uint8Array;
  readonly ciphertext: Uint8Array;
}

/**
 * What is appended together or not at all: all entries of one step, the message that this step spends, and the decision
 * that it tells of.
 */
export interface LogItem {
  readonly entries: readonly NewEntry[];
  readonly spend?: { readonly issuer: string; readonly jti: string; readonly keepUntil: number } | undefined;
  readonly decision?: Decision | undefined;
}

export interface AppendedItem {
  /** False when `spend` was spent before, or `decision` is not the next: then nothing of the item was written. */
  readonly fresh: boolean;
  /** Of the item's first entry; the others follow. Undefined when there is none. */
  readonly sequence: number | undefined;
}

/** A log's tree as it stands (RFC 9162): a new log has size 0 and the root of nothing. */
export interface TreeHead {
  readonly size: number;
  readonly root: Uint8Array;
}

/** A log as a store has it. */
export interface StoredLog {
  readonly log: string;
  readonly size: number;
  /** Set for a log that is written on no more: which one follows, since when, and why. */
  readonly end: { readonly next: string; readonly at: number; readonly why: string } | undefined;
}

/** What ends a log and begins the one that follows it. */
export interface Succession {
  readonly log: string;
  readonly next: string;
  readonly at: number;
  readonly why: string;
  /**
   * What the successor begins with, given the ended log's head as it is stored when nothing can be appended any more;
   * undefined where that cannot be read. It is called within the transaction: nothing in it may wait.
   */
  readonly first: (head: TreeHead | undefined) => LogItem;
}

export interface StoredEntry {
  readonly sequence: number;
  /** The bytes that the tree covers: UTF-8 JSON, kept as they were written. */
  readonly leaf: Uint8Array;
  readonly index: EntryIndex;
  /** Undefined when nothing was sealed, or when its key was erased. */
  readonly sealed: SealedValues | undefined;
}

/** An entry's leaf, and the hash that is kept beside it: whether they fit is for the reader to find out. */
export interface StoredLeaf {
  readonly sequence: number;
  readonly leaf: Uint8Array;
  readonly hash: Uint8Array;
}

/** A search goes by one index at a time: the most telling that is given, within a span of time. */
export interface EntrySearch {
  readonly log?: string | undefined;
  /** Milliseconds since the epoch, `from` included, `to` not. */
  readonly from: number;
  readonly to: number;
  readonly event?: string | undefined;
  readonly exchange?: string | undefined;
  readonly region?: string | undefined;
  readonly jti?: string | undefined;
  readonly patients?: readonly string[] | undefined;
  readonly user?: string | undefined;
  readonly organisation?: string | undefined;
  readonly outcome?: string | undefined;
  readonly breakGlass?: true | undefined;
  /** 1 to 1,000. */
  readonly limit: number;
  /** Newest first, from before this entry on: the last of the page before. */
  readonly before?: { readonly at: number; readonly log: string; readonly sequence: number } | undefined;
}

export interface FoundEntry extends StoredEntry {
  readonly log: string;
  readonly at: number;
}

/**
 * The append-only logs of a region: one for each replica, one search over all. `log` is the log's origin
 * (C2SP tlog-checkpoint). The leaves are the entries' bytes; the tree over them is kept with them (`src/tlog`).
 */
export interface LogStore {
  /**
   * Appends, in order and in one atomic durable step. An item whose message was spent before (earlier in the same
   * call too) is left out, and only that item. Nothing is appended to a log that was ended, nor while the store is
   * closed, by whatever process: that is decided within the transaction.
   */
  append(log: string, items: readonly LogItem[]): Promise<AppendedItem[]>;
  head(log: string): Promise<TreeHead>;
  /** Every log that was written to or ended, by origin, at most 1,000. */
  logs(): Promise<StoredLog[]>;
  /**
   * Ends a log, hands its open work to the successor, and begins that, in one atomic durable step.
   *
   * @returns false when the log was ended before: then nothing was done
   */
  succeed(succession: Succession): Promise<boolean>;
  /** How many entries from the first on were archived and pruned: the log's own entries begin there. */
  pruned(log: string): Promise<number>;
  /** Hashes of tiles (C2SP tlog-tiles), in the order asked; for proofs, over what was pruned too. */
  tiles(log: string, wanted: readonly TileId[]): Promise<Uint8Array[]>;
  /**
   * Entries from `sequence` on, oldest first, at most `limit` (1 to 10,000). From below what was pruned it gives the
   * first that is there: whoever asks for one entry compares its number.
   */
  entries(log: string, sequence: number, limit: number): Promise<StoredEntry[]>;
  /** Leaves from `sequence` on, oldest first, at most `limit` (1 to 10,000), as they are stored: to verify a tree by. */
  leaves(log: string, sequence: number, limit: number): Promise<StoredLeaf[]>;
  search(search: EntrySearch): Promise<FoundEntry[]>;
  /** Exchanges whose work was opened and not closed, oldest first, at most `limit` (1 to 1,000). */
  openWork(log: string, limit: number): Promise<{ exchange: string; sequence: number }[]>;
  /**
   * Deletes what is sealed of these entries, and the digests that find them; leaves and tree stay. Of an entry that
   * was pruned it deletes the wrapped key, without which its archived copy does not open.
   */
  erase(log: string, sequences: readonly number[]): Promise<void>;
  /** Adds `times` (one) to the count of `code` in the minute of `at`: for what is refused before identity is proved. */
  count(code: string, at: number, times?: number): Promise<void>;
  /** The counts of a span of time, at most 1,000 rows, newest minute first. */
  counts(from: number, to: number): Promise<{ code: string; minute: number; count: number }[]>;
  /** Deletes counts of minutes before that time, oldest first, some thousands at a time. @returns how many; 0: none is left */
  forgetCounts(before: number): Promise<number>;
}
