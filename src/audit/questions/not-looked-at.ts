import type { ArchiveStore, Segment } from '../../store/contracts.ts';

/**
 * Entries of one log that a question reaches and that are in archived files alone: an answer that does not look there
 * says so, or "not looked at" would look like "nobody".
 */
export interface NotLookedAt {
  readonly log: string;
  /** Entries from this one to that (not included). */
  readonly from: number;
  readonly to: number;
  /** When they were written, both included, milliseconds since the epoch. */
  readonly oldest: number;
  readonly newest: number;
  /** The files that hold them, newest first. */
  readonly files: readonly string[];
}

/** More files than these are not named. */
const MOST_SEGMENTS = 1_000;

/**
 * What a question about a span of time did not look at; asked after the reading, since a log can be pruned meanwhile.
 *
 * @param isLeftOut which segments count; all of them, when it is left out
 */
export async function notLookedAt(
  archive: Pick<ArchiveStore, 'prunedWithin'>,
  { from, to }: { readonly from: number; readonly to: number },
  isLeftOut: (segment: Segment) => boolean = () => true,
): Promise<NotLookedAt[]> {
  const segments = await archive.prunedWithin(from, to, MOST_SEGMENTS);
  return [...Map.groupBy(segments.filter(isLeftOut), ({ log }) => log)].map(([log, ofLog]) =>
    toPart(log, ofLog),
  );
}

function toPart(log: string, segments: readonly Segment[]): NotLookedAt {
  return {
    log,
    from: Math.min(...segments.map(({ from }) => from)),
    to: Math.max(...segments.map(({ to }) => to)),
    oldest: Math.min(...segments.map(({ oldest }) => oldest)),
    newest: Math.max(...segments.map(({ newest }) => newest)),
    files: segments.map(({ file }) => file),
  };
}

/** Why a region's own logs do not tell all of a time. */
export type Missing = 'archived' | 'unreadable';

/** @param unreadable entries of it that are broken @returns undefined when they tell all */
export function whyNotAll(parts: readonly NotLookedAt[], unreadable: number): Missing | undefined {
  if (parts.length > 0) return 'archived';
  return unreadable > 0 ? 'unreadable' : undefined;
}

const NAMED_FILES = 3;

/** For whoever runs the command: what is missing, and where it is. */
export function notLookedAtWords({ log, from, to, oldest, newest, files }: NotLookedAt): string {
  const [first, last] = [oldest, newest].map((at) => new Date(at).toISOString());
  const named = files.slice(0, NAMED_FILES).join(', ');
  const more = files.length > NAMED_FILES ? ` and ${files.length - NAMED_FILES} more` : '';
  return (
    `NOT looked at: entries ${from} to ${to - 1} of ${log}, written from ${first} to ${last}, ` +
    `which are archived (${named}${more}).`
  );
}

/** From when on an answer is whole, for one that must be: the end of what was not looked at, or `from`. */
export function wholeFrom(from: number, parts: readonly NotLookedAt[]): number {
  return Math.max(from, ...parts.map(({ newest }) => newest + 1));
}
