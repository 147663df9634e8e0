import type { EntrySearch, FoundEntry } from '../../store/contracts.ts';

/** Where a page of a search ended. */
type Place = NonNullable<EntrySearch['before']>;

/** The place of an entry as a word for a command line. It says nothing of the entry but its time and number. */
export function cursorAt({ at, log, sequence }: Place): string {
  return Buffer.from(JSON.stringify([at, log, sequence])).toString('base64url');
}

/** Undefined for what `cursorAt` did not write. */
export function placeOf(cursor: string): Place | undefined {
  try {
    const [at, log, sequence] = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as unknown[];
    if (typeof log !== 'string' || !Number.isSafeInteger(at) || !Number.isSafeInteger(sequence))
      return undefined;
    return { at: at as number, log, sequence: sequence as number };
  } catch {
    return undefined;
  }
}

/** The cursor to go on from; undefined after the last page. */
export function nextAfter(page: readonly FoundEntry[], limit: number): string | undefined {
  const last = page.length < limit ? undefined : page.at(-1);
  return last && cursorAt(last);
}

const DAY = 86_400_000;
const DATE = /^\d{4}-\d{2}-\d{2}$/;
const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})$/;

/**
 * Milliseconds since the epoch of an ISO 8601 instant, or of a date, which is a whole day of UTC: its beginning, or as
 * an end the beginning of the next. Undefined for anything else.
 */
export function instantOf(text: string, end: boolean): number | undefined {
  const isDate = DATE.test(text);
  if (!isDate && !INSTANT.test(text)) return undefined;
  const at = Date.parse(text);
  if (Number.isNaN(at)) return undefined;
  return isDate && end ? at + DAY : at;
}
