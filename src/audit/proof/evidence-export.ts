import type { FoundEntry, StoredCheckpoint } from '../../store/contracts.ts';
import { parseNote } from '../../tlog/note.ts';
import { witnessName } from '../../tlog/origin.ts';
import { inclusionProof } from '../../tlog/proofs.ts';
import type { Revocation } from '../../trust/decisions.ts';
import type { AuditLog, ReadEntry } from '../log.ts';
import type { Opened } from '../sealing.ts';
import { bearingDecisions } from './bearing-decisions.ts';
import { covering, NotCovered, type CoveringSettings } from './covering.ts';
import type { DecisionEntry, EvidenceEntry, EvidenceFile } from './evidence-file.ts';
import { findExchange, type FindSettings } from './find-exchange.ts';
import { vouchingAt, type Statements } from './statement-history.ts';
import { withKnownSignatures } from './statements.ts';

export interface ExportSettings extends Omit<FindSettings, 'current'>, CoveringSettings {
  readonly log: AuditLog;
  readonly statements: Statements;
  /** Every decision of this region on whom it trusts, oldest first. */
  readonly decisions: readonly Revocation[];
}

export interface Exported {
  readonly file: EvidenceFile;
  /** Sequences of entries whose sealed values are gone. */
  readonly erased: readonly number[];
  /** Entries whose sealed values are there and cannot be opened, or are not what the leaf commits to. */
  readonly unopened: readonly number[];
  /** Signature lines of witnesses whose statement is not at hand: they could not be verified, and are left out. */
  readonly leftOut: readonly string[];
  /** Decisions that bear on the exchange, by their numbers, and that no log of the store tells of: they are left out. */
  readonly untold: readonly number[];
}

/** The entry of a decision, and the checkpoint that is to cover it, where its log has one. */
interface Decided {
  readonly entry: FoundEntry;
  readonly under: StoredCheckpoint | undefined;
}

/**
 * Everything that proves one exchange, and what was decided since about who signed in it.
 *
 * @param id an exchange, a query's `jti`, or a sequence number of the log that is named, or written now
 * @returns undefined when no log has such an entry
 * @throws TooManyEntries; InArchive; NotCovered; HouseError of the store; EvidenceError `malformed` when the log's tiles are broken
 */
export async function exportEvidence(id: string, settings: ExportSettings): Promise<Exported | undefined> {
  const { log } = settings;
  const finding = { ...settings, current: log.origin };
  const place = await findExchange(id, finding);
  if (place === undefined) return undefined;
  const { exchange, origin, entries: found } = place;
  const head = await covering((found.at(-1)?.sequence ?? 0) + 1, origin, settings);
  const read = found.map((entry) => ({ found: entry, ...log.read(entry) }));
  const about = { read, checkpoint: head.note };
  const { told, untold } = await bearingDecisions(about, settings.decisions, finding);
  const decided = await coveredBy(told, origin, head, settings);
  const { statements, checkpoint, decisions, leftOut } = await vouching(
    origin,
    head,
    read,
    decided,
    settings,
  );
  const entries = await Promise.all(
    read.map(async (entry): Promise<EvidenceEntry> => ({
      ...placeOf(entry.found),
      proof: await proofOf(entry.found, head, settings),
      ...openedIn(entry),
    })),
  );
  const closed = read.filter(({ leaf, opened }) => leaf.sealed !== undefined && opened === undefined);
  const isErased = (entry: { found: FoundEntry }): boolean => entry.found.sealed === undefined;
  const proof = { origin, exchange, statements, checkpoint, entries };
  return {
    file: decisions.length === 0 ? proof : { ...proof, decisions },
    erased: closed.filter(isErased).map(({ sequence }) => sequence),
    unopened: closed.filter((entry) => !isErased(entry)).map(({ sequence }) => sequence),
    ...{ leftOut, untold },
  };
}

/** Each under the checkpoint of the exchange, where that covers it, or one of its own; under none that is not signed. */
async function coveredBy(
  entries: readonly FoundEntry[],
  origin: string,
  head: StoredCheckpoint,
  settings: CoveringSettings,
): Promise<Decided[]> {
  const covered: Decided[] = [];
  for (const entry of entries) {
    const isUnderHead = entry.log === origin && entry.sequence < head.size;
    const own = isUnderHead ? head : covering(entry.sequence + 1, entry.log, settings);
    covered.push({ entry, under: await Promise.resolve(own).catch(unlessNotCovered) });
  }
  return covered;
}

/** What no checkpoint covers is told all the same, without a proof: a revocation is never left out for that. */
function unlessNotCovered(error: unknown): undefined {
  if (!(error instanceof NotCovered)) throw error;
}

function placeOf({ sequence, leaf }: FoundEntry): Pick<EvidenceEntry, 'sequence' | 'leaf'> {
  return { sequence, leaf: Buffer.from(leaf).toString('utf8') };
}

async function proofOf(
  { sequence, log: origin }: FoundEntry,
  { size }: StoredCheckpoint,
  { store }: Pick<ExportSettings, 'store'>,
): Promise<string[]> {
  const proof = await inclusionProof(sequence, size, (tiles) => store.tiles(origin, tiles));
  return proof.map((hash) => hash.toString('base64'));
}

/** The statements that the file needs, and its checkpoints with those signatures alone that they can verify. */
async function vouching(
  origin: string,
  head: StoredCheckpoint,
  read: readonly ReadEntry[],
  decided: readonly Decided[],
  settings: ExportSettings,
): Promise<
  Pick<EvidenceFile, 'statements' | 'checkpoint'> & { decisions: DecisionEntry[]; leftOut: string[] }
> {
  const heads = [head, ...decided.flatMap(({ under }) => under ?? [])];
  const regions = new Set(read.map(({ leaf }) => leaf.region));
  const cosigners = new Set(heads.flatMap(({ note }) => parseNote(note).signatures.map(({ name }) => name)));
  const written = [...read.map(({ leaf }) => leaf.at), ...decided.map(({ entry }) => entry.at)];
  const { own, others, tokens } = await vouchingAt(
    [...written, ...heads.map(({ at }) => at)].map((at) => at / 1000),
    settings.statements,
    ({ entity, broker }) => regions.has(broker.region) || cosigners.has(witnessName(entity)),
  );
  const leftOut = new Set<string>();
  const known = async (note: string, of: string): Promise<string> => {
    const { note: rest, leftOut: unknown } = await withKnownSignatures(parseNote(note), of, own, others);
    for (const name of unknown) leftOut.add(name);
    return rest;
  };
  const checkpoint = await known(head.note, origin);
  const decisions: DecisionEntry[] = [];
  for (const { entry, under } of decided) {
    const told = { origin: entry.log, ...placeOf(entry) };
    if (under === undefined) {
      decisions.push(told);
      continue;
    }
    const note = await known(under.note, entry.log);
    decisions.push({ ...told, proved: { checkpoint: note, proof: await proofOf(entry, under, settings) } });
  }
  return { statements: tokens, checkpoint, decisions, leftOut: [...leftOut] };
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
