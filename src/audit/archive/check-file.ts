import type { Segment, Store } from '../../store/contracts.ts';
import { rootAt } from '../../tlog/proofs.ts';
import { ArchiveRefused, type Shelf } from './shelf.ts';
import { verifySegment } from './verify-segment.ts';

export interface Checking {
  readonly origin: string;
  readonly store: Pick<Store, 'log' | 'archive'>;
  readonly shelf: Shelf;
}

/**
 * That a segment's file is the one that was registered, holds, and ends on the root that the tree in the store has
 * without the leaves.
 *
 * @throws ArchiveRefused `file-missing`, `file-changed`, `tree`; HouseError of the store
 */
export async function checkFile(segment: Segment, { origin, store, shelf }: Checking): Promise<void> {
  const { file, sha256, to } = segment;
  if (!shelf.has(file)) throw new ArchiveRefused('file-missing', `${file} is not in this directory`);
  const { holds, summary, roots } = await verifySegment(shelf.chunks(file));
  if (!holds || summary?.sha256 !== sha256) {
    throw new ArchiveRefused(
      'file-changed',
      `${file} is not as it was written: see \`audit verify-archive\``,
    );
  }
  const root = await rootAt(to, (tiles) => store.log.tiles(origin, tiles));
  if (root.toString('base64') !== roots.end) {
    throw new ArchiveRefused('tree', `the tiles in the store do not lead to the root that ${file} ends on`);
  }
}

const PAGE = 100;

/**
 * Each segment without which the log is not whole any more, from the first entry on, when its file was checked.
 *
 * @throws as `checkFile`
 */
export async function* checkPruned(checking: Checking): AsyncGenerator<Segment, void, undefined> {
  const { origin, store } = checking;
  for (let end = 0; ;) {
    const page = await store.archive.segments(origin, end, PAGE);
    for (const segment of page) {
      if (segment.prunedAt === undefined) return;
      if (segment.from !== end) throw new ArchiveRefused('tree', `no segment begins at entry ${end}`);
      await checkFile(segment, checking);
      end = segment.to;
      yield segment;
    }
    if (page.length < PAGE) return;
  }
}
