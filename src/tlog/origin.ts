/**
 * The origin of one of a region's logs (C2SP tlog-checkpoint): its entity identifier without the scheme, `/log/`, and
 * the replica that writes it. It is the name of the key as well that signs the log's checkpoints.
 */
export function logOrigin(entity: string, replica: string): string {
  return `${nameOf(entity)}/log/${replica}`;
}

const SUCCESSOR = /^(.+)\/([2-9]|[1-9]\d{1,3})$/;

/**
 * The origin of the log that goes on where one could not be continued: `{listed}/2`, `/3` and so on.
 *
 * @param number 2 to 9,999
 */
export function successorOrigin(listed: string, number: number): string {
  if (!Number.isInteger(number) || number < 2 || number > 9_999)
    throw new TypeError('a successor has a number');
  return `${listed}/${number}`;
}

/** Of which of these logs an origin is: the log itself (1) or a successor (its number); undefined: of none. */
export function placeAmong(
  origin: string,
  listed: readonly string[],
): { readonly listed: string; readonly number: number } | undefined {
  if (listed.includes(origin)) return { listed: origin, number: 1 };
  const [, base, number] = SUCCESSOR.exec(origin) ?? [];
  return base !== undefined && listed.includes(base) ? { listed: base, number: Number(number) } : undefined;
}

/**
 * Whether a statement that lists these logs speaks for this one. It does for the successors of what it lists, so that
 * a log that broke at night can go on without the federation key.
 */
export function covers(listed: readonly string[], origin: string): boolean {
  return placeAmong(origin, listed) !== undefined;
}

/** The name that a region cosigns under as a witness (C2SP tlog-cosignature). */
export function witnessName(entity: string): string {
  return `${nameOf(entity)}/witness`;
}

function nameOf(entity: string): string {
  const { host, pathname } = new URL(entity);
  return `${host}${pathname === '/' ? '' : pathname}`;
}
