import type { ArchiveSettings } from './archive-log.ts';
import { thinCheckpoints } from './thin-checkpoints.ts';

/** How many rows were deleted. */
export interface Kept {
  readonly checkpoints: number;
  readonly counts: number;
}

const DAY = 86_400_000;
/** Cosignatures, and the entries that sum up refusals, are long settled by then. */
const SETTLED_DAYS = 30;
const PAGE = 1_000;

/** Deletes what a log leaves behind: checkpoints of one round in thousands, and counts that are in the log. */
export async function keepHouse({ origin, store }: ArchiveSettings, now: number): Promise<Kept> {
  const before = now - SETTLED_DAYS * DAY;
  const ends = await segmentEnds(origin, store.archive);
  const checkpoints = await thinCheckpoints(origin, store.checkpoints, before, ends);
  let counts = 0;
  for (let more; (more = await store.log.forgetCounts(before)) > 0;) counts += more;
  return { checkpoints, counts };
}

async function segmentEnds(
  origin: string,
  archive: ArchiveSettings['store']['archive'],
): Promise<Set<number>> {
  const ends = new Set<number>();
  for (let from = 0; ;) {
    const page = await archive.segments(origin, from, PAGE);
    for (const { to } of page) ends.add(to);
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return ends;
    from = last.to;
  }
}
