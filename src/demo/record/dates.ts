/** A stretch of time in milliseconds since 1970, both ends included; open ends are infinite. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

const DATE =
  /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:\d\d)?)?)?)?$/;

/**
 * The stretch of time that a FHIR date, dateTime or instant of any precision means (`2026-03` is all of March).
 * Without a zone it is read as UTC. Undefined when the text is no date.
 */
export function dateRange(text: string): Range | undefined {
  const [, year, month, day, hour, minute, second, fraction, zone] = DATE.exec(text) ?? [];
  if (year === undefined) return undefined;
  const milliseconds = Number((fraction ?? '').padEnd(3, '0').slice(0, 3));
  const parts = [Number(year), Number(month ?? 1) - 1, Number(day ?? 1)] as const;
  const local = Date.UTC(...parts, Number(hour ?? 0), Number(minute ?? 0), Number(second ?? 0), milliseconds);
  const start = local - offsetOf(zone);
  if (Number.isNaN(start)) return undefined;
  if (month === undefined) return { start, end: Date.UTC(parts[0] + 1, 0) - 1 };
  if (day === undefined) return { start, end: Date.UTC(parts[0], parts[1] + 1) - 1 };
  const length =
    hour === undefined ? 86_400_000 : second === undefined ? 60_000 : fraction === undefined ? 1000 : 1;
  return { start, end: start + length - 1 };
}

function offsetOf(zone: string | undefined): number {
  if (zone === undefined || zone === 'Z') return 0;
  const [hours, minutes] = zone.slice(1).split(':').map(Number);
  return (zone.startsWith('-') ? -1 : 1) * ((hours ?? 0) * 60 + (minutes ?? 0)) * 60_000;
}

export const PREFIXES = ['eq', 'ne', 'gt', 'lt', 'ge', 'le', 'sa', 'eb', 'ap'] as const;
export type Prefix = (typeof PREFIXES)[number];

/** Splits `ge2026-01-01` into its prefix and the rest; without a prefix it is `eq`. */
export function splitPrefix(value: string): [Prefix, string] {
  const prefix = PREFIXES.find((candidate) => value.startsWith(candidate));
  return prefix === undefined ? ['eq', value] : [prefix, value.slice(prefix.length)];
}

/** How a resource's stretch of time compares with the one searched for (FHIR R4, 3.1.1.4.5 and 3.1.1.4.7). */
export const COMPARE_RANGES: Record<Prefix, (held: Range, searched: Range) => boolean> = {
  eq: (held, searched) => held.start >= searched.start && held.end <= searched.end,
  ne: (held, searched) => !COMPARE_RANGES.eq(held, searched),
  gt: (held, searched) => held.end > searched.end,
  lt: (held, searched) => held.start < searched.start,
  ge: (held, searched) => COMPARE_RANGES.gt(held, searched) || COMPARE_RANGES.eq(held, searched),
  le: (held, searched) => COMPARE_RANGES.lt(held, searched) || COMPARE_RANGES.eq(held, searched),
  sa: (held, searched) => held.start > searched.end,
  eb: (held, searched) => held.end < searched.start,
  ap: (held, searched) => held.start <= searched.end && held.end >= searched.start,
};
