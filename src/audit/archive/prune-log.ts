import { randomUUID } from 'node:crypto';

import type { Segment } from '../../store/contracts.ts';
import { TILE_WIDTH } from '../../tlog/tiles.ts';
import type { ArchiveSettings, SegmentProgress } from './archive-log.ts';
import { checkFile } from './check-file.ts';
import { ArchiveRefused } from './shelf.ts';

export interface PruneOptions {
  /** No entry that was written at this time or later is pruned. */
  readonly before: number;
  /** Ids of the streams that the log is sent on to: what has not arrived there is not pruned. */
  readonly streams: readonly string[];
  /** Entries that are deleted at once: other writers wait meanwhile. */
  readonly batch: number;
  /** Between two batches, so that a broker beside this can write. */
  readonly pause: () => Promise<void>;
  readonly onProgress?: ((progress: SegmentProgress) => void) | undefined;
}

/**
 * Why a segment that is archived is not pruned yet: `too-new`; `open-work`, something that began in it has not ended;
 * `tree-grows`, some of its leaves are in a tile that is not full; `not-streamed`, some of it has not arrived where a
 * stream sends it.
 */
export type NotYet = 'too-new' | 'open-work' | 'tree-grows' | 'not-streamed';

export interface Pruned {
  readonly segments: readonly Segment[];
  /** Entries that were deleted, also of a segment that an earlier run had begun. */
  readonly entries: number;
  readonly notYet: { readonly segment: Segment; readonly why: NotYet } | undefined;
}

/**
 * Deletes what lies in registered files, oldest first, as far as it is old enough. Before anything is deleted the file
 * is read and verified, and the deletion told in the log. A run that is killed at any point is gone on with by the next.
 *
 * @throws ArchiveRefused `file-missing`, `file-changed`, `tree`; HouseError of the store
 */
export async function pruneLog(settings: ArchiveSettings, options: PruneOptions): Promise<Pruned> {
  const { origin, store, trail, now } = settings;
  const { archive } = store;
  const segments: Segment[] = [];
  let entries = await deleteEntries(settings, options);
  for (;;) {
    const [segment] = await archive.segments(origin, await store.log.pruned(origin), 1);
    const why = segment && (await notYet(segment, settings, options));
    if (segment === undefined || why !== undefined) {
      return { segments, entries, notYet: segment && why && { segment, why } };
    }
    await checkFile(segment, settings);
    const { from, to, file, sha256 } = segment;
    // First that it is done: what is gone without a word cannot be told from what was stolen.
    await trail.segmentPruned(randomUUID(), { log: origin, from, to, file, sha256 });
    if (!(await archive.beginPrune(origin, from, now()))) {
      throw new ArchiveRefused('another-run', `${file} was not pruned: another run prunes this log`);
    }
    segments.push(segment);
    entries += await deleteEntries(settings, options, segment);
  }
}

async function deleteEntries(
  { origin, store }: ArchiveSettings,
  { batch, pause, onProgress }: PruneOptions,
  segment?: Segment,
): Promise<number> {
  for (let entries = 0; ;) {
    const deleted = await store.archive.prune(origin, batch);
    if (deleted === 0) return entries;
    entries += deleted;
    if (segment !== undefined)
      onProgress?.({ file: segment.file, done: entries, of: segment.to - segment.from });
    await pause();
  }
}

async function notYet(
  { newest, to }: Segment,
  { origin, store }: ArchiveSettings,
  { before, streams }: PruneOptions,
): Promise<NotYet | undefined> {
  if (newest >= before) return 'too-new';
  const { size } = await store.log.head(origin);
  if (Math.ceil(to / TILE_WIDTH) * TILE_WIDTH > size) return 'tree-grows';
  for (const stream of streams) {
    if ((await store.streams.read(stream, origin)) < to) return 'not-streamed';
  }
  const [open] = await store.log.openWork(origin, 1);
  return open !== undefined && open.sequence < to ? 'open-work' : undefined;
}
