import { randomUUID } from 'node:crypto';

import type { Segment, Store } from '../../store/contracts.ts';
import type { VerifierKey } from '../../tlog/note-keys.ts';
import type { Statements } from '../proof/statement-history.ts';
import type { AuditTrail } from '../trail.ts';
import { entriesOfSegment, headOfSegment, segmentName } from './make-segment.ts';
import { nextSegment } from './next-segment.ts';
import { writeSegment, type SegmentHead } from './segment-file.ts';
import { ArchiveRefused, type Shelf } from './shelf.ts';
import { verifySegment, type SegmentSummary } from './verify-segment.ts';

export interface ArchiveSettings {
  readonly origin: string;
  readonly store: Pick<Store, 'log' | 'checkpoints' | 'archive' | 'streams'>;
  readonly trail: AuditTrail;
  readonly shelf: Shelf;
  readonly statements: Statements;
  /** The keys that may sign this log's checkpoints and cosign them, as those statements list them. */
  readonly keys: readonly VerifierKey[];
  readonly now: () => number;
}

/** How many entries of one segment are in its file, or deleted here. */
export interface SegmentProgress {
  readonly file: string;
  readonly done: number;
  readonly of: number;
}

export interface ArchiveOptions {
  /** Every entry that is archived was written before this time. */
  readonly before: number;
  /** Entries of one segment, where the cosigned checkpoints allow it. */
  readonly most: number;
  readonly onProgress?: ((progress: SegmentProgress) => void) | undefined;
}

export type Archived = Omit<Segment, 'prunedAt'> & Pick<SegmentSummary, 'bytes'>;

/**
 * Writes what is old enough to files, one segment after another: flushed, read back, verified, told in the log, and
 * registered. A run that is killed leaves nothing half done that the next one does not find.
 *
 * @throws ArchiveRefused; LogBroken `checkpoint`; HouseError of the store; what the shelf throws
 */
export async function* archiveLog(
  settings: ArchiveSettings,
  { before, most, onProgress }: ArchiveOptions,
): AsyncGenerator<Archived, void, undefined> {
  const { origin, store, statements, keys, trail, now } = settings;
  const { checkpoints, archive } = store;
  for (;;) {
    const span = await nextSegment({ origin, checkpoints, archive, keys }, before, most);
    if (span === undefined) return;
    const head = await headOfSegment(origin, span, statements, store.log);
    const file = segmentName(head);
    const summary = await written(head, file, settings, onProgress);
    const { from, to, oldest, newest, sha256 } = summary;
    // First that it is done: whatever is registered is told in the log.
    await trail.segmentArchived(randomUUID(), { log: origin, from, to, file, sha256 });
    const segment = { log: origin, from, to, file, sha256, oldest, newest, archivedAt: now() };
    if (!(await archive.register(segment))) {
      throw new ArchiveRefused('another-run', `${file} was not registered: another run archives this log`);
    }
    yield { ...segment, bytes: summary.bytes };
  }
}

/** The file of a segment as it lies there, verified: written now, or by a run that was killed before it registered it. */
async function written(
  head: SegmentHead,
  file: string,
  { store, shelf }: ArchiveSettings,
  onProgress: ArchiveOptions['onProgress'],
): Promise<SegmentSummary> {
  if (shelf.has(file)) {
    const found = await summaryOf(head, shelf.chunks(file));
    if (found !== undefined) return found;
    throw new ArchiveRefused('file-exists', `${file} is there already, and is not this segment`);
  }
  const told = onProgress && ((done: number) => onProgress({ file, done, of: head.to - head.from }));
  const draft = await shelf.draft(file, writeSegment(head, entriesOfSegment(head, store.log, told)));
  const summary = await summaryOf(head, draft.chunks());
  if (summary === undefined) {
    await draft.drop();
    const says = `entries ${head.from} to ${head.to - 1} do not verify as they are in the store`;
    throw new ArchiveRefused('not-whole', `${says}: see \`wayleave audit verify\``);
  }
  await draft.keep();
  return summary;
}

/** Undefined unless it holds, and is of these entries. */
async function summaryOf(
  { origin, from, to }: SegmentHead,
  chunks: AsyncIterable<Uint8Array>,
): Promise<SegmentSummary | undefined> {
  const { holds, summary } = await verifySegment(chunks);
  const isIt = summary?.origin === origin && summary.from === from && summary.to === to;
  return holds && isIt ? summary : undefined;
}
