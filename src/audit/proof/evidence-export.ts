import type { CheckpointStore, FoundEntry, StoredCheckpoint } from '../../store/contracts.ts';
import { looksCosigned } from '../../tlog/checkpoint.ts';
import { parseNote } from '../../tlog/note.ts';
import { witnessName } from '../../tlog/origin.ts';
import { inclusionProof } from '../../tlog/proofs.ts';
import type { Checkpoints } from '../witnessing/checkpoints.ts';
import type { EvidenceEntry, EvidenceFile } from './evidence-file.ts';
import type { AuditLog, ReadEntry } from '../log.ts';
import type { Opened } from '../sealing.ts';
import { findExchange, type FindSettings } from './find-exchange.ts';
import { vouchingAt, type Statements } from './statement-history.ts';
import { withKnownSignatures } from './statements.ts';

export interface ExportSettings extends Omit<FindSettings, 'current'> {
  readonly log: AuditLog;
  readonly checkpointStore: CheckpointStore;
  /** Signs a checkpoint when none covers the exchange yet. */
  readonly checkpoints: Checkpoints;
  readonly statements: Statements;
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

/** How many later checkpoints are looked at for one that a neighbour has cosigned. */
const MOST_CHECKPOINTS = 100;

/** No checkpoint of a log that is written on no more covers these entries, and none is signed for it any more. */
export class NotCovered extends Error {}

/**
 * Everything that proves one exchange.
 *
 * @param id an exchange, a query's `jti`, or a sequence number of the log that is named, or written now
 * @returns undefined when no log has such an entry
 * @throws TooManyEntries; InArchive; NotCovered; HouseError of the store; EvidenceError `malformed` when the log's tiles are broken
 */
export async function exportEvidence(id: string, settings: ExportSettings): Promise<Exported | undefined> {
  const { log, store } = settings;
  const place = await findExchange(id, { ...settings, current: log.origin });
  if (place === undefined) return undefined;
  const { exchange, origin, entries: found } = place;
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

/** The first checkpoint that covers `size` entries and that a neighbour has cosigned; else the first; else a new one. */
async function covering(size: number, origin: string, settings: ExportSettings): Promise<StoredCheckpoint> {
  const { checkpointStore, checkpoints } = settings;
  const first = await checkpointStore.covering(origin, size);
  let one = first;
  for (let seen = 0; one !== undefined && seen < MOST_CHECKPOINTS; seen += 1) {
    if (looksCosigned(one.note)) return one;
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
): Promise<{ statements: readonly string[]; note: string; leftOut: string[] }> {
  const note = parseNote(checkpoint);
  const cosigners = new Set(note.signatures.map(({ name }) => name));
  const { own, others, tokens } = await vouchingAt(
    times,
    settings.statements,
    ({ entity, broker }) => regions.has(broker.region) || cosigners.has(witnessName(entity)),
  );
  return { statements: tokens, ...(await withKnownSignatures(note, origin, own, others)) };
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
