import { timingSafeEqual } from 'node:crypto';

/** Compares two seals in a time that tells nothing of where they differ. */
export function isSameSeal(expected: string, given: string): boolean {
  const [one, other] = [Buffer.from(expected), Buffer.from(given)];
  return one.length === other.length && timingSafeEqual(one, other);
}
