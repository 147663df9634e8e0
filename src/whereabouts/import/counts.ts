import type { RowFault } from './row-reader.ts';

/** How many lines of each fault are named. */
const MOST_LINES = 10;

/** What became of a file's lines, as far as it was read. */
export interface Counts {
  /** Lines with something in them, the header aside. */
  read: number;
  /** Of these, Encounters in which nobody was seen: cancelled, entered in error, planned. */
  notSightings: number;
  refused: number;
  /** By what is wrong with them; the numbers of the first lines, from 1 on. */
  readonly faults: Partial<Record<RowFault, { count: number; lines: number[] }>>;
}

export function newCounts(): Counts {
  return { read: 0, notSightings: 0, refused: 0, faults: {} };
}

export function countFault(counts: Counts, fault: RowFault, line: number): void {
  const known = (counts.faults[fault] ??= { count: 0, lines: [] });
  known.count += 1;
  counts.refused += 1;
  if (known.lines.length < MOST_LINES) known.lines.push(line);
}
