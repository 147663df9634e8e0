import { decodeFrontier, encodeFrontier, rootOf } from '../tlog/frontier.ts';
import { emptyEdge, grow, type TreeEdge } from '../tlog/grow.ts';
import { leafHash } from '../tlog/merkle.ts';
import type { Tile } from '../tlog/tiles.ts';
import type { AppendedItem, LogItem, NewEntry, TreeHead } from './contracts.ts';

/** What a store keeps of a log's tree beside its entries and tiles. */
export interface LogRow {
  readonly size: number;
  readonly frontier: Uint8Array;
}

/** A log's row with what forbids to append to it. */
export interface GuardedRow extends LogRow {
  readonly next: string | null;
  readonly closed_since: number | null;
}

/** Throws where nothing may be appended: the log was ended, or the store is closed. */
export function assertWritable(log: string, { next, closed_since: since }: GuardedRow): void {
  if (next !== null) throw new Error(`${log} was ended, and ${next} follows it`);
  if (since !== null) throw new Error('the store is closed');
}

/** The head of a log that may be broken; undefined where it cannot be read. */
export function headIfReadable(row: LogRow): TreeHead | undefined {
  try {
    return headOf(row);
  } catch {
    return undefined;
  }
}

/** An entry with its place in the log. */
export interface NumberedEntry {
  readonly entry: NewEntry;
  readonly sequence: number;
  readonly leaf: Buffer;
  readonly leafHash: Buffer;
}

export interface GrownLog {
  readonly edge: TreeEdge;
  readonly row: LogRow;
  readonly entries: readonly NumberedEntry[];
  readonly tiles: readonly Tile[];
}

export function newLog(): LogRow {
  return { size: 0, frontier: encodeFrontier(emptyEdge().frontier) };
}

export function headOf({ frontier, size }: LogRow): TreeHead {
  return { size, root: rootOf(decodeFrontier(frontier)) };
}

/** The edge that is at hand, if it is the stored log's: another process may have appended, or a write been undone. */
export function edgeAt(row: LogRow, atHand: TreeEdge | undefined): TreeEdge | undefined {
  if (row.size === 0) return emptyEdge();
  return atHand !== undefined && Buffer.compare(encodeFrontier(atHand.frontier), row.frontier) === 0
    ? atHand
    : undefined;
}

/**
 * What becomes of the items of one step, and the entries that go into the log.
 *
 * @param fresh for each item, whether its message was spent now; true for an item without one
 */
export function sortOut(
  items: readonly LogItem[],
  fresh: readonly boolean[],
  size: number,
): { appended: AppendedItem[]; entries: NewEntry[] } {
  const entries: NewEntry[] = [];
  const appended = items.map((item, nth): AppendedItem => {
    if (fresh[nth] !== true) return { fresh: false, sequence: undefined };
    const sequence = item.entries.length === 0 ? undefined : size + entries.length;
    entries.push(...item.entries);
    return { fresh: true, sequence };
  });
  return { appended, entries };
}

/** What the entries of one step do to the open work: what is to be deleted first, and then inserted if missing. */
export function workOf(entries: readonly NumberedEntry[]): {
  closed: string[];
  opened: { exchange: string; sequence: number }[];
} {
  const closed = new Set<string>();
  const opened = new Map<string, number>();
  for (const { entry, sequence } of entries) {
    const { exchange, work } = entry;
    if (work === 'open' && !opened.has(exchange)) opened.set(exchange, sequence);
    if (work === 'close') {
      opened.delete(exchange);
      closed.add(exchange);
    }
  }
  return {
    closed: [...closed],
    opened: [...opened].map(([exchange, sequence]) => ({ exchange, sequence })),
  };
}

/** Numbers the entries, and grows the tree by their leaves. */
export function growLog(edge: TreeEdge, entries: readonly NewEntry[]): GrownLog {
  const { size } = edge.frontier;
  const numbered = entries.map((entry, nth): NumberedEntry => {
    const sequence = size + nth;
    const leaf = Buffer.from(`{"seq":${sequence},${entry.facts}}`);
    return { entry, sequence, leaf, leafHash: leafHash(leaf) };
  });
  const grown = grow(
    edge,
    numbered.map((one) => one.leafHash),
  );
  const row = { size: size + entries.length, frontier: encodeFrontier(grown.edge.frontier) };
  return { edge: grown.edge, row, entries: numbered, tiles: grown.tiles };
}
