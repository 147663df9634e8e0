import type { FileHandle } from 'node:fs/promises';

import { countFault, type Counts } from './counts.ts';
import { linesOf } from './lines.ts';
import type { Row, RowReader } from './row-reader.ts';

/** How far a file was read. */
export interface Place {
  /** In bytes. */
  readonly offset: number;
  readonly line: number;
}

/**
 * Reads a file's rows from a place on, and counts them.
 *
 * @param onRow for each that can be read
 * @yields after some lines, where it goes on
 */
export async function* readRows(
  file: FileHandle,
  from: Place,
  read: RowReader,
  counts: Counts,
  now: number,
  onRow: (row: Row) => void,
): AsyncGenerator<Place, void, undefined> {
  let line = from.line;
  for await (const { lines, next } of linesOf(file, from.offset)) {
    for (const text of lines) {
      line += 1;
      if (text !== undefined && text.trim() === '') continue;
      counts.read += 1;
      const row = text === undefined ? 'too-long' : read(text, now);
      if (typeof row !== 'string') onRow(row);
      else if (row === 'not-a-sighting') counts.notSightings += 1;
      else countFault(counts, row, line);
    }
    yield { offset: next, line };
  }
}
