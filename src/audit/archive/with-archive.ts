import type { EntryIndex, EntrySearch, FoundEntry, LogStore, Segment, Store } from '../../store/contracts.ts';
import { readLeaf, type Leaf } from '../entry.ts';
import type { AuditLog } from '../log.ts';
import type { SegmentEntry } from './segment-file.ts';
import { ArchiveRefused } from './shelf.ts';
import type { SegmentSource } from './verify-archive.ts';
import { verifySegment } from './verify-segment.ts';

export interface WithArchive {
  readonly store: Pick<Store, 'log' | 'archive'>;
  readonly log: Pick<AuditLog, 'read'>;
  /** Keyed digest of a number or a user, as the index has it. */
  readonly digest: (value: string) => string;
  readonly files: readonly SegmentSource[];
}

export interface ArchiveAndLog {
  /** The store's log, whose searches, and reading of one entry, look into the files too. */
  readonly log: LogStore;
  /** Which pruned segments it does not look into. */
  readonly isLeftOut: (segment: Segment) => boolean;
}

const KEYS_AT_ONCE = 10_000;

/**
 * A log with archived files beside it. A file is read, and verified, from its beginning at each search that reaches
 * it; what is sealed opens with the keys that are in the store. What was erased is found no more by patient or user.
 *
 * @throws ArchiveRefused `file-missing` for a file that is no segment of the store; and from a search,
 *   `file-changed` for one that is not as it was registered
 */
export async function withArchive(sources: WithArchive): Promise<ArchiveAndLog> {
  const { store, files } = sources;
  const registered = await store.archive.named(files.map(({ name }) => name));
  const given = files.flatMap((source) => {
    const segment = registered.find(({ file }) => file === source.name);
    if (segment === undefined) {
      throw new ArchiveRefused('file-missing', `${source.name} is no segment of this store: leave it out`);
    }
    // Until it is pruned, the store has the same entries.
    return segment.prunedAt === undefined ? [] : [{ segment, source }];
  });
  const looked = new Set(given.map(({ segment }) => segment.sha256));
  const log: LogStore = {
    ...store.log,
    search: async (search) => {
      const found = await store.log.search(search);
      for (const one of given) found.push(...(await matchesIn(one, search, sources)));
      // Where a pruning was stopped in the middle, the store has some of the same entries yet.
      const once = new Map(found.map((one) => [`${one.log}:${one.sequence}`, one]));
      return [...once.values()].sort(newestFirst).slice(0, search.limit);
    },
    entries: async (origin, sequence, limit) => {
      const one = given.find(
        ({ segment: { log: name, from, to } }) => name === origin && from <= sequence && sequence < to,
      );
      if (one === undefined) return store.log.entries(origin, sequence, limit);
      return read(one, sources, 1, (_leaf, place) => place === sequence);
    },
  };
  return { log, isLeftOut: ({ sha256 }) => !looked.has(sha256) };
}

interface Given {
  readonly segment: Segment;
  readonly source: SegmentSource;
}

/** The newest that a search finds in one file, as many as it may find at all. */
async function matchesIn(given: Given, search: EntrySearch, sources: WithArchive): Promise<FoundEntry[]> {
  const { log, oldest, newest } = given.segment;
  if (newest < search.from || oldest >= search.to) return [];
  if (search.log !== undefined && search.log !== log) return [];
  if (search.patients?.length === 0) return [];
  return read(
    given,
    sources,
    search.limit,
    (leaf, sequence) => saysOpenly(leaf, search) && isBefore(search.before, { at: leaf.at, log, sequence }),
    ({ index }) =>
      (search.patients === undefined || search.patients.includes(index.patient ?? '')) &&
      (search.user === undefined || search.user === index.user),
  );
}

/** Reads a file to its end, and gives of what it holds the newest that are wanted. */
async function read(
  { segment, source }: Given,
  { store, log, digest }: WithArchive,
  most: number,
  isWanted: (leaf: Leaf, sequence: number) => boolean,
  fits: (entry: FoundEntry) => boolean = () => true,
): Promise<FoundEntry[]> {
  const keys = await keysOf(segment, store);
  let found: FoundEntry[] = [];
  const onEntry = (entry: SegmentEntry, sequence: number): void => {
    const leaf = readLeaf(entry.leaf);
    if (!isWanted(leaf, sequence)) return;
    const key = keys.get(sequence);
    const sealed = key && entry.sealed && { ...key, ciphertext: entry.sealed };
    const stored = { log: segment.log, at: leaf.at, sequence, leaf: entry.leaf, sealed, index: {} };
    const { opened } = log.read(stored);
    const named = (name: string): string | undefined => opened?.[name] && digest(opened[name].value);
    const whole = { ...stored, index: indexOf(leaf, named('nhs_number'), named('user')) };
    if (!fits(whole)) return;
    found.push(whole);
    if (found.length > 2 * most) found = found.sort(newestFirst).slice(0, most);
  };
  const { holds, summary } = await verifySegment(source.chunks(), { onEntry });
  if (!holds || summary?.sha256 !== segment.sha256) {
    throw new ArchiveRefused('file-changed', `${segment.file} is not as it was written`);
  }
  return found.sort(newestFirst).slice(0, most);
}

async function keysOf({ log, from, to }: Segment, { archive }: WithArchive['store']) {
  const keys = new Map<number, { wrappedBy: string; wrappedKey: Uint8Array }>();
  for (let at = from; at < to; at += KEYS_AT_ONCE) {
    for (const { sequence, ...key } of await archive.keys(log, at, Math.min(at + KEYS_AT_ONCE, to))) {
      keys.set(sequence, key);
    }
  }
  return keys;
}

function indexOf(leaf: Leaf, patient: string | undefined, user: string | undefined): EntryIndex {
  const { region, jti, organisation, outcome, break_glass: breakGlass } = leaf;
  return { region, jti, patient, user, organisation, outcome, breakGlass: breakGlass === true };
}

/** What a search asks of a leaf; patient and user are sealed. */
function saysOpenly(leaf: Leaf, search: EntrySearch): boolean {
  const { event, exchange, region, jti, organisation, outcome } = search;
  const asked = Object.entries({ event, exchange, region, jti, organisation, outcome });
  return (
    leaf.at >= search.from &&
    leaf.at < search.to &&
    asked.every(([name, value]) => value === undefined || leaf[name as 'event'] === value) &&
    (search.breakGlass !== true || leaf.break_glass === true)
  );
}

type Place = Pick<FoundEntry, 'at' | 'log' | 'sequence'>;

function isBefore(limit: Place | undefined, place: Place): boolean {
  return limit === undefined || newestFirst(limit, place) < 0;
}

/** The order of a search. */
function newestFirst(one: Place, other: Place): number {
  if (one.at !== other.at) return other.at - one.at;
  if (one.log !== other.log) return one.log < other.log ? 1 : -1;
  return other.sequence - one.sequence;
}
