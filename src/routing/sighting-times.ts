const DAY_MS = 86_400_000;
/** The NHS began in 1948; what is older is a mistake. */
const OLDEST = Date.UTC(1948, 0, 1);
const CLOCKS_MS = DAY_MS;
/** FHIR's dateTime; a CSV's dates are such as well. */
const DATE_TIME = /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?)?)?$/;

export type TimeFault = 'date-missing' | 'date-wrong' | 'date-future' | 'date-too-old' | 'dates-reversed';

/** When a patient was seen first and last. Milliseconds since the epoch. */
export interface SeenTimes {
  readonly firstSeen: number;
  readonly lastSeen: number;
}

/**
 * Reads the two ends of a time as a file or an Encounter gives them. One that has not ended was seen last when it began. A
 * year or a month alone is its beginning.
 *
 * @param now what lies more than a day after it is refused
 */
export function seenTimes(start: string, end: string, now: number): SeenTimes | TimeFault {
  if (start === '') return 'date-missing';
  const firstSeen = timeOf(start);
  const lastSeen = end === '' ? firstSeen : timeOf(end);
  if (Number.isNaN(firstSeen) || Number.isNaN(lastSeen)) return 'date-wrong';
  if (Math.max(firstSeen, lastSeen) > now + CLOCKS_MS) return 'date-future';
  if (firstSeen < OLDEST) return 'date-too-old';
  // An end that is written without its hour lies before a beginning with one on the same day.
  if (Math.floor(lastSeen / DAY_MS) < Math.floor(firstSeen / DAY_MS)) return 'dates-reversed';
  return { firstSeen, lastSeen: Math.max(firstSeen, lastSeen) };
}

const known = new Map<string, number>();
const MOST_KNOWN = 50_000;
const DAY_LENGTH = '2016-04-01'.length;
/** FHIR's longest dateTime has a few letters less. */
const LONGEST_TIME = 40;

/** The same days come again and again in a file of millions. Only days are kept: whatever else there is, is different each time. */
function timeOf(text: string): number {
  if (text.length > LONGEST_TIME) return Number.NaN;
  if (text.length > DAY_LENGTH) return parsed(text);
  const before = known.get(text);
  if (before !== undefined) return before;
  const time = parsed(text);
  if (known.size >= MOST_KNOWN) known.clear();
  // A copy: a slice would keep the whole block of the file that it was cut from.
  known.set(Buffer.from(text).toString('latin1'), time);
  return time;
}

function parsed(text: string): number {
  const [, year, month = '01', day = '01'] = DATE_TIME.exec(text) ?? [];
  if (year === undefined) return Number.NaN;
  const date = new Date(`${year}-${month}-${day}T00:00:00Z`);
  // The 30th of February would become a day of March.
  if (Number.isNaN(date.getTime()) || date.toISOString().slice(8, 10) !== day) return Number.NaN;
  return text.length <= 10
    ? date.getTime()
    : Date.parse(text.includes('T') && !zoned(text) ? `${text}Z` : text);
}

const zoned = (text: string): boolean => /(?:Z|[+-]\d\d:\d\d)$/.test(text);
