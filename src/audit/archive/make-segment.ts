import type { LogStore, StoredCheckpoint } from '../../store/contracts.ts';
import { edgeFrom } from '../../tlog/grow.ts';
import { parseNote } from '../../tlog/note.ts';
import { witnessName } from '../../tlog/origin.ts';
import { tilesAtEdge } from '../../tlog/tiles.ts';
import { vouchingAt, type Statements } from '../proof/statement-history.ts';
import { withKnownSignatures } from '../proof/statements.ts';
import type { SegmentEntry, SegmentHead } from './segment-file.ts';

/** Where a segment lies: after one cosigned checkpoint, or at the log's beginning, up to another. */
export interface Span {
  readonly start: StoredCheckpoint | undefined;
  readonly end: StoredCheckpoint;
}

const PAGE = 1_000;

/**
 * The head of a segment. Signatures that none of the statements can verify are left out of its notes.
 *
 * @throws HouseError of the store; EvidenceError `malformed` when the log's tiles are broken
 */
export async function headOfSegment(
  origin: string,
  { start, end }: Span,
  statements: Statements,
  store: Pick<LogStore, 'tiles'>,
): Promise<SegmentHead> {
  const from = start?.size ?? 0;
  const times = [start, end].flatMap((one) => (one === undefined ? [] : [one.at / 1000]));
  const notes = [start, end].flatMap((one) => (one === undefined ? [] : [parseNote(one.note)]));
  const signers = new Set(notes.flatMap(({ signatures }) => signatures.map(({ name }) => name)));
  const { own, others, tokens } = await vouchingAt(times, statements, ({ entity }) =>
    signers.has(witnessName(entity)),
  );
  const known = async ({ note }: StoredCheckpoint): Promise<string> =>
    (await withKnownSignatures(parseNote(note), origin, own, others)).note;
  const edge = edgeFrom(from, await store.tiles(origin, tilesAtEdge(from)));
  return {
    ...{ origin, from, to: end.size },
    frontier: edge.frontier.hashes.map((hash) => hash.toString('base64')),
    ...(start === undefined ? {} : { start: await known(start) }),
    end: await known(end),
    statements: tokens,
  };
}

/** The entries of a segment, pages of them; ends early where one is missing. @throws HouseError of the store */
export async function* entriesOfSegment(
  { origin, from, to }: SegmentHead,
  store: Pick<LogStore, 'entries'>,
  onProgress?: (done: number) => void,
): AsyncGenerator<SegmentEntry[], void, undefined> {
  for (let at = from; at < to;) {
    const page = await store.entries(origin, at, Math.min(PAGE, to - at));
    if (page.length === 0) return;
    yield page.map(({ leaf, sealed }) => ({
      leaf: Buffer.from(leaf),
      sealed: sealed === undefined ? undefined : Buffer.from(sealed.ciphertext),
    }));
    at = (page.at(-1)?.sequence ?? to) + 1;
    onProgress?.(at - from);
  }
}

/** A name that says what is in the file; the same for the same entries. */
export function segmentName({ origin, from, to }: Pick<SegmentHead, 'origin' | 'from' | 'to'>): string {
  return `${origin.replaceAll(/[^A-Za-z0-9.-]/g, '_')}.${from}-${to}.segment.gz`;
}
