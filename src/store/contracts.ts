import type { TileId } from '../tlog/tiles.ts';

/**
 * What the broker asks of a store, and what a store promises. `test/store/contract.ts` holds every store to it.
 *
 * All methods reject with HouseError `store-unavailable` (or `audit-unavailable` for the audit) when the store
 * cannot do what it promises; a rejected write may or may not have happened, a resolved one has.
 * Times are milliseconds since the epoch. Patients are named by a keyed digest, never by their number.
 */

/** Which messages were seen. Shared by all replicas of one region. */
export interface ReplayStore {
  /**
   * Spends (`issuer`, `jti`) in one atomic, durable step.
   * @returns true for exactly one of any number of calls, concurrent ones included, until `keepUntil`
   */
  spend(issuer: string, jti: string, keepUntil: number): Promise<boolean>;
}

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

/** A decision on whom we trust (`src/trust`), the same in every replica's sight. */
export interface Decision {
  /** From 0 on without gaps: whoever decides on a state that is no longer the last decides nothing. */
  readonly sequence: number;
  readonly at: number;
  readonly kind: string;
  /** The neighbour that it is about. */
  readonly region: string;
  /** The id of an admin, or of what decided without one. */
  readonly by: string;
  /** Of the log's entry that tells of it. */
  readonly exchange: string;
  /** JSON: what was decided. */
  readonly detail: string;
  /** Proves that whoever has the secrets wrote it after the one before it. */
  readonly seal: string;
}

/** Decisions are appended with their entries in the log, and never changed or deleted. */
export interface DecisionStore {
  /** From `sequence` on, oldest first, at most `limit` (1 to 1,000). */
  from(sequence: number, limit: number): Promise<Decision[]>;
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
  /** Adds one to the count of `code` in the minute of `at`: for what is refused before identity is proved. */
  count(code: string, at: number): Promise<void>;
  /** The counts of a span of time, at most 1,000 rows, newest minute first. */
  counts(from: number, to: number): Promise<{ code: string; minute: number; count: number }[]>;
  /** Deletes counts of minutes before that time, oldest first, some thousands at a time. @returns how many; 0: none is left */
  forgetCounts(before: number): Promise<number>;
}

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

/** An entity statement that was verified with the federation keys pinned for its entity. */
export interface KeptStatement {
  readonly entity: string;
  readonly sequence: number;
  /** When it was used first, milliseconds since the epoch. */
  readonly at: number;
  /** JWS, compact. */
  readonly token: string;
}

/** Every statement that this region relied on, so that what an old key signed can be verified years later. */
export interface StatementStore {
  /** Keeps a text once; two texts of one sequence are both kept. */
  keep(statement: KeptStatement): Promise<void>;
  /** Those of an entity, the highest sequence first, at most 200. */
  of(entity: string): Promise<KeptStatement[]>;
}

/** A file that trust rests on, as it was when it was whole, sealed by who wrote it. */
export interface KeptFile {
  readonly replica: string;
  readonly file: string;
  readonly text: string;
  readonly seal: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export interface WholeFileStore {
  /** In the place of what was kept of these files. All or none of one call. */
  keep(files: readonly KeptFile[]): Promise<void>;
  /** The newest first, at most 2,000. */
  of(replica: string): Promise<KeptFile[]>;
}

/** Why nothing is served from a store until an admin has confirmed whom we trust. */
export interface Closed {
  /** Milliseconds since the epoch. */
  readonly since: number;
  /** `restoring`: half a backup is in it; `restored`; `behind`: a neighbour holds more of our log than it does. */
  readonly why: 'restoring' | 'restored' | 'behind';
  /** JSON: what is known about it. */
  readonly detail: string;
}

export interface StoreState {
  readonly closed: Closed | undefined;
  /** When it was opened last; undefined for one that never was closed. What was signed before is not to be served. */
  readonly openedAt: number | undefined;
}

/** Whether a store may be served from: the same in every replica's sight. */
export interface StateStore {
  read(): Promise<StoreState>;
  /**
   * Closes the store: nothing is appended to any log of it when this resolves.
   *
   * @returns false when it was closed already, which stays as it was
   */
  close(closed: Closed): Promise<boolean>;
  /**
   * Opens the store and begins the logs that it goes on with, in one atomic durable step.
   *
   * @returns false when it was not closed: then nothing was done
   */
  open(at: number, successions: readonly Succession[]): Promise<boolean>;
}

/** How far each stream has handed on a log's entries. Both names are the caller's; each pair has a cursor of its own. */
export interface StreamCursorStore {
  /** Sequence of the first entry that is not known to have arrived: 0 for a stream that is new. */
  read(stream: string, log: string): Promise<number>;
  /** Moves the cursor forward, durably. One that is further already stays: of several calls the furthest counts. */
  advance(stream: string, log: string, next: number): Promise<void>;
}

export interface CareLocation {
  readonly patient: string;
  /** ODS organisation or site code. */
  readonly organisation: string;
  readonly firstSeen: number;
  readonly lastSeen: number;
  /** Who says so: a file, a feed, the demo. */
  readonly source: string;
}

/** Where patients were treated, as this region knows it. */
export interface CareLocationStore {
  /** Inserts, or widens first and last seen of what is there. All or none of one call. */
  record(locations: readonly CareLocation[]): Promise<void>;
  /** The locations of one patient (either digest, where a number was superseded), at most 200, last seen first. */
  of(patients: readonly string[]): Promise<CareLocation[]>;
}

export interface Objection {
  readonly patient: string;
  readonly kind: 'objection' | 'restriction';
  readonly from: number;
  readonly until?: number | undefined;
}

/** Patients who objected to sharing, or whose record is restricted, in this region. */
export interface ObjectionStore {
  /** Inserts or replaces by (patient, kind). All or none of one call. */
  record(objections: readonly Objection[]): Promise<void>;
  /** What is in force at `at` for any of the digests. */
  inForce(patients: readonly string[], at: number): Promise<Objection[]>;
}

export interface Store {
  readonly replay: ReplayStore;
  readonly log: LogStore;
  readonly checkpoints: CheckpointStore;
  readonly statements: StatementStore;
  readonly decisions: DecisionStore;
  readonly wholeFiles: WholeFileStore;
  readonly state: StateStore;
  readonly streams: StreamCursorStore;
  readonly archive: ArchiveStore;
  readonly keys: KeyStore;
  readonly careLocations: CareLocationStore;
  readonly objections: ObjectionStore;
  /**
   * False when the disk has come down to the reserve: what is begun can still be ended and told, and nothing new is to be
   * begun. True where the store cannot know (a database server's disk is its own to watch).
   */
  hasRoom(): boolean;
  /** True when a durable write works now. */
  healthy(): Promise<boolean>;
  close(): Promise<void>;
}
