import type { CheckpointStore, StoredCheckpoint } from '../../store/contracts.ts';
import { looksCosigned } from '../../tlog/checkpoint.ts';

const DAY = 86_400_000;
/** Segments end on checkpoints, and a busy log writes many segments a day. */
const SPACING = 10_000;
const PAGE = 1_000;

/**
 * Which of one day's checkpoints need not be kept: beside the first, one in every 10,000 entries is, and of those that
 * a neighbour cosigned alone, where there are any.
 *
 * @param ofDay smallest first
 * @param pinned sizes that are kept in any case
 */
export function superfluous(ofDay: readonly StoredCheckpoint[], pinned: ReadonlySet<number>): number[] {
  const cosigned = ofDay.filter(({ note }) => looksCosigned(note));
  const kept = new Set<number>();
  let last = -Infinity;
  for (const { size } of cosigned.length > 0 ? cosigned : ofDay) {
    if (size < last + SPACING) continue;
    kept.add(size);
    last = size;
  }
  return ofDay.map(({ size }) => size).filter((size) => !kept.has(size) && !pinned.has(size));
}

/**
 * Thins out the checkpoints of a log that were signed before a time, day by day of UTC: one is signed every few
 * seconds. The largest of all stays.
 *
 * @returns how many were deleted
 */
export async function thinCheckpoints(
  origin: string,
  store: Pick<CheckpointStore, 'page' | 'remove'>,
  before: number,
  pinned: ReadonlySet<number>,
): Promise<number> {
  let removed = 0;
  let ofDay: StoredCheckpoint[] = [];
  const end = async (): Promise<void> => {
    const sizes = superfluous(ofDay, pinned);
    for (let at = 0; at < sizes.length; at += PAGE) await store.remove(origin, sizes.slice(at, at + PAGE));
    removed += sizes.length;
    ofDay = [];
  };
  for (let from = 0; ;) {
    const page = await store.page(origin, from, PAGE);
    for (const one of page) {
      if (one.at >= before) {
        await end();
        return removed;
      }
      if (ofDay[0] !== undefined && dayOf(one) !== dayOf(ofDay[0])) await end();
      ofDay.push(one);
    }
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) break;
    from = last.size + 1;
  }
  // The largest of the log is not removed, whatever day it is of.
  ofDay.pop();
  await end();
  return removed;
}

function dayOf({ at }: StoredCheckpoint): number {
  return Math.floor(at / DAY);
}
