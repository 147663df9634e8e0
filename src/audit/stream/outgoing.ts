import type { LogStore } from '../../store/contracts.ts';
import { readLeaf, type Leaf } from '../entry.ts';
import { LogBroken } from '../whole-log/log-fault.ts';

/** One entry on its way out. Its leaf names nobody; what is sealed beside it stays where it is. */
export interface OutgoingEntry {
  /** Origin of its log. */
  readonly log: string;
  readonly sequence: number;
  /** The bytes that the tree covers: UTF-8 JSON on one line. */
  readonly leaf: Buffer;
  readonly said: Leaf;
}

/** What goes out next, and the log's size when that was read. */
export interface Outgoing {
  readonly entries: readonly OutgoingEntry[];
  readonly size: number;
}

/** The most that a batch holds, unless its first entry alone is larger. */
const MOST_BYTES = 1024 * 1024;
const LINE_FEED = 0x0a;

/**
 * The entries from `next` on, oldest first: what is on the disk and nothing else, at most `limit`, and about 1 MiB.
 *
 * @throws LogBroken where an entry is missing or is not what a broker writes: a stream never steps over one
 */
export async function outgoingFrom(
  store: LogStore,
  log: string,
  next: number,
  limit: number,
): Promise<Outgoing> {
  const { size } = await store.head(log);
  if (size < next)
    throw new LogBroken('head', size, `the log ends before entry ${next}, which was handed on`);
  if (size === next) return { entries: [], size };
  const stored = await store.entries(log, next, Math.min(limit, size - next));
  if (stored.length === 0) throw new LogBroken('missing', next, `entry ${next} is missing`);
  const taken: OutgoingEntry[] = [];
  let bytes = 0;
  for (const { sequence, leaf } of stored) {
    bytes += leaf.length;
    if (taken.length > 0 && bytes > MOST_BYTES) break;
    const own = readOwn(next + taken.length, { sequence, leaf: Buffer.from(leaf) });
    // What is whole before it goes out first.
    if (own instanceof LogBroken && taken.length > 0) break;
    if (own instanceof LogBroken) throw own;
    taken.push({ log, sequence, ...own });
  }
  return { entries: taken, size };
}

/** A broker writes a leaf on one line: another line in it would be read as an entry of its own. */
function readOwn(
  due: number,
  { sequence, leaf }: { sequence: number; leaf: Buffer },
): Pick<OutgoingEntry, 'leaf' | 'said'> | LogBroken {
  if (sequence !== due) return new LogBroken('missing', due, `entry ${due} is missing`);
  const says = `entry ${due}: the leaf is not one that a broker writes`;
  try {
    const said = readLeaf(leaf);
    if (!leaf.includes(LINE_FEED) && said.seq === due) return { leaf, said };
    return new LogBroken('leaf', due, says);
  } catch (cause) {
    return new LogBroken('leaf', due, says, { cause });
  }
}
