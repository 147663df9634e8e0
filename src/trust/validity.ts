const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

export interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** Five years. Like every validity here it starts an hour early, so that a clock a little behind believes it. */
export function authorityValidity(now: Date): Validity {
  const notBefore = new Date(now.getTime() - HOUR);
  const notAfter = new Date(notBefore);
  notAfter.setUTCFullYear(notAfter.getUTCFullYear() + 5);
  return { notBefore, notAfter };
}

export function leafValidity(now: Date): Validity {
  const notBefore = new Date(now.getTime() - HOUR);
  return { notBefore, notAfter: new Date(notBefore.getTime() + 397 * DAY) };
}
