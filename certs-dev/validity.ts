import { DAY, type Validity } from '../src/trust/validity.ts';

export { authorityValidity, DAY, leafValidity, type Validity } from '../src/trust/validity.ts';

/** Ended yesterday, after the usual time in force. */
export function pastValidity(now: Date): Validity {
  const notAfter = new Date(now.getTime() - DAY);
  return { notBefore: new Date(notAfter.getTime() - 397 * DAY), notAfter };
}
