import type {
  CheckpointStore,
  FoundEntry,
  LogStore,
  StatementStore,
  StoredCheckpoint,
} from '../../store/contracts.ts';
import { parseNote } from '../../tlog/note.ts';
import { witnessName } from '../../tlog/origin.ts';
import { inclusionProof } from '../../tlog/proofs.ts';
import type { Checkpoints } from '../witnessing/checkpoints.ts';
import { readLeaf } from '../entry.ts';
import type { EvidenceEntry, EvidenceFile } from './evidence-file.ts';
import type { AuditLog, ReadEntry } from '../log.ts';
import type { Opened } from '../sealing.ts';
import { statementsAt } from './statement-history.ts';
import { byRegion, readSelfSigned, withKnownSignatures } from './statements.ts';

export interface ExportSettings {
  readonly log: AuditLog;
  /** The only log that is looked in; default: the one that is written now, then every other of the store. */
  readonly origin?: string | undefined;
  readonly store: LogStore;
  readonly checkpointStore: CheckpointStore;
  /** Signs a checkpoint when none covers the exchange yet. */
  readonly checkpoints: Checkpoints;
  /** Our own entity statement and our neighbours', as approved now; and those of before. */
  readonly ownStatement: string;
  readonly otherStatements: readonly string[];
  readonly statements: Pick<StatementStore, 'of'>;
}

export interface Exported {
  readonly file: EvidenceFile;
  /** Sequences of entries whose sealed values are gone. */
  readonly erased: readonly number[];
  /** Entries whose sealed values are there and cannot be opened, or are not what the leaf commits to. */
  readonly unopened: readonly number[];
  /** Signature lines of witnesses whose statement is not at hand: they could not be verified, and are left out. */
  readonly leftOut: readonly string[];
}

const EVER = { from: 0, to: Number.MAX_SAFE_INTEGER };
const AT_ONCE = 1_000;
/** A viewer may give many requests one id; a file of more entries would be of use to nobody. */
const MOST_ENTRIES = 10_000;
/** How many later checkpoints are looked at for one that a neighbour has cosigned. */
const MOST_CHECKPOINTS = 100;

/** More entries than one file takes. */
export class TooManyEntries extends Error {}

/** No checkpoint of a log that is written on no more covers these entries, and none is signed for it any more. */
export class NotCovered extends Error {}

/**
 * Everything that proves one exchange.
 *
 * @param id an exchange, a query's `jti`, or a sequence number of the log that is named, or written now
 * @returns undefined when no log has such an entry
 * @throws TooManyEntries; NotCovered; HouseError of the store; EvidenceError `malformed` when the log's tiles are broken
 */
export async function exportEvidence(id: string, settings: ExportSettings): Promise<Exported | undefined> {
  const { log, store } = settings;
  const place = await placeOf(id, settings);
  if (place === undefined) return undefined;
  const { exchange, origin } = place;
  const found = await entriesOf(exchange, origin, store);
  const last = found.at(-1)?.sequence ?? 0;
  const { size, at: signedAt, note: kept } = await covering(last + 1, origin, settings);
  const read = found.map((entry) => ({ found: entry, ...log.read(entry) }));
  const regions = new Set(read.map(({ leaf }) => leaf.region));
  const times = [...read.map(({ leaf }) => leaf.at), signedAt].map((at) => at / 1000);
  const { statements, note, leftOut } = await vouching(kept, origin, regions, times, settings);
  const entries = await Promise.all(
    read.map(async (entry): Promise<EvidenceEntry> => {
      const proof = await inclusionProof(entry.sequence, size, (tiles) => store.tiles(origin, tiles));
      return {
        sequence: entry.sequence,
        leaf: Buffer.from(entry.found.leaf).toString('utf8'),
        proof: proof.map((hash) => hash.toString('base64')),
        ...openedIn(entry),
      };
    }),
  );
  const closed = read.filter(({ leaf, opened }) => leaf.sealed !== undefined && opened === undefined);
  const isErased = (entry: { found: FoundEntry }): boolean => entry.found.sealed === undefined;
  return {
    file: { origin, exchange, statements, checkpoint: note, entries },
    erased: closed.filter(isErased).map(({ sequence }) => sequence),
    unopened: closed.filter((entry) => !isErased(entry)).map(({ sequence }) => sequence),
    leftOut,
  };
}

/** Where an exchange is: it lies in one log, whole, but for one that a log's end cut in two. */
async function placeOf(
  id: string,
  { log, origin, store }: ExportSettings,
): Promise<{ exchange: string; origin: string } | undefined> {
  const others = (await store.logs()).map((one) => one.log).filter((one) => one !== log.origin);
  for (const place of origin === undefined ? [log.origin, ...others] : [origin]) {
    // A sequence number means another entry in each log.
    const isNumbered = origin !== undefined || place === log.origin;
    const exchange = await exchangeOf(id, place, store, isNumbered);
    if (exchange !== undefined) return { exchange, origin: place };
  }
  return undefined;
}

/** The exchange that an id names: itself, the one of a query, or that of an entry. */
async function exchangeOf(
  id: string,
  log: string,
  store: LogStore,
  isNumbered: boolean,
): Promise<string | undefined> {
  for (const by of [{ exchange: id }, { jti: id }]) {
    const [found] = await store.search({ ...EVER, ...by, log, limit: 1 });
    if (found !== undefined) return readLeaf(found.leaf).exchange;
  }
  if (!isNumbered || !/^\d{1,15}$/.test(id)) return undefined;
  const [entry] = await store.entries(log, Number(id), 1);
  return entry?.sequence === Number(id) ? readLeaf(entry.leaf).exchange : undefined;
}

async function entriesOf(exchange: string, log: string, store: LogStore): Promise<FoundEntry[]> {
  const found: FoundEntry[] = [];
  for (let before: FoundEntry | undefined; ; before = found.at(-1)) {
    const page = await store.search({ ...EVER, log, exchange, limit: AT_ONCE, before });
    found.push(...page);
    if (found.length > MOST_ENTRIES) throw new TooManyEntries();
    if (page.length < AT_ONCE) break;
  }
  return found.toSorted((one, other) => one.sequence - other.sequence);
}

/** The first checkpoint that covers `size` entries and that a neighbour has cosigned; else the first; else a new one. */
async function covering(size: number, origin: string, settings: ExportSettings): Promise<StoredCheckpoint> {
  const { checkpointStore, checkpoints } = settings;
  const first = await checkpointStore.covering(origin, size);
  let one = first;
  for (let seen = 0; one !== undefined && seen < MOST_CHECKPOINTS; seen += 1) {
    if (parseNote(one.note).signatures.length > 1) return one;
    one = await checkpointStore.covering(origin, one.size + 1);
  }
  if (first !== undefined) return first;
  if (origin !== checkpoints.origin) throw new NotCovered();
  return checkpoints.sign();
}

/**
 * The statements that the file needs, and the note with those signatures alone that they can verify.
 *
 * @param times seconds since the epoch at which something of the file was written or signed
 */
async function vouching(
  checkpoint: string,
  origin: string,
  regions: ReadonlySet<string | undefined>,
  times: readonly number[],
  settings: ExportSettings,
): Promise<{ statements: string[]; note: string; leftOut: string[] }> {
  const own = await readSelfSigned(settings.ownStatement.trim());
  const all = await Promise.all(settings.otherStatements.map((token) => readSelfSigned(token.trim())));
  // A region with several records is its own neighbour.
  const others = new Map(all.filter(({ entity }) => entity !== own.entity).map((one) => [one.entity, one]));
  const note = parseNote(checkpoint);
  const cosigners = new Set(note.signatures.map(({ name }) => name));
  const needed = [...others.values()].filter(
    ({ entity, broker }) => regions.has(broker.region) || cosigners.has(witnessName(entity)),
  );
  const [ours, ...theirs] = await Promise.all(
    [own, ...needed].map((one) => statementsAt(times, one, settings.statements)),
  );
  const vouched = byRegion(theirs.flat());
  const known = await withKnownSignatures(note, origin, byRegion(ours ?? [own])[0], vouched);
  return { statements: [...(ours ?? [own]), ...theirs.flat()].map(({ token }) => token), ...known };
}

/** In the leaf's order, and as text that has one form alone. */
function openedIn({ leaf, opened }: ReadEntry): Pick<EvidenceEntry, 'opened'> {
  if (opened === undefined || leaf.sealed === undefined) return {};
  const names = Object.keys(leaf.sealed);
  const inOrder = names.flatMap((name): [string, Opened][] => {
    const one = opened[name];
    return one === undefined ? [] : [[name, { salt: one.salt, value: one.value.toWellFormed() }]];
  });
  return { opened: Object.fromEntries(inOrder) };
}
