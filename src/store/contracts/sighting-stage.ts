import type { Sighting } from '../sightings.ts';

/**
 * Where rows wait until all of a file are there, to be merged in the order of their keys: a file of its own, beside what others
 * write to. It outlives a process that is killed, and nobody else can open it meanwhile. It holds digests, never numbers.
 */
export interface SightingStage {
  /** Into so many parts the rows are divided, in the order of their patients. */
  readonly parts: number;
  /** What the last `mark` said; undefined for a new one. */
  state(): string | undefined;
  /** @param sighting its place is a number of the caller's */
  add(sighting: Sighting): void;
  /** Everything added so far, and this state, are in the file together: what was added after the last mark is lost by a crash. */
  mark(state: string): void;
  /** Of one part all rows, each yield sorted, with no place for more than 15 MB at once. */
  rowsOf(part: number): Iterable<Buffer>;
  /** Ends it, and leaves it where it is. */
  close(): void;
  /** Ends it and deletes it. */
  remove(): void;
}
