/**
 * Arithmetic on tree sizes. They outgrow 32 bits, so JavaScript's bit operators are out: a size is an exact
 * integer of at most 2^53 - 1.
 */

export const LARGEST_SIZE = Number.MAX_SAFE_INTEGER;

export function isSize(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/** @throws TypeError for a number that cannot be a tree's size: a programmer's mistake. */
export function assertSize(value: number): void {
  if (!isSize(value)) throw new TypeError('a tree size is an integer from 0 to 2^53 - 1');
}

export const isOdd = (value: number): boolean => value % 2 === 1;

export const half = (value: number): number => Math.floor(value / 2);

/** The largest power of two that is at most `value`, which is 1 or more. */
export function largestPowerWithin(value: number): number {
  let power = 1;
  while (power <= value / 2) power *= 2;
  return power;
}

/** How many one-bits `value` has: how many complete subtrees a tree of that size is made of. */
export function onesIn(value: number): number {
  let ones = 0;
  for (let rest = value; rest > 0; rest = half(rest)) if (isOdd(rest)) ones += 1;
  return ones;
}

/** Reads the decimal size of the C2SP formats: ASCII digits, no leading zeros. Undefined for anything else. */
export function parseSize(text: string): number | undefined {
  if (!/^(?:0|[1-9][0-9]{0,15})$/.test(text)) return undefined;
  const size = Number(text);
  return isSize(size) ? size : undefined;
}
