const FIRST_MS = 1_000;
const LONGEST_MS = 60_000;

/**
 * How long to wait after so many failures in a row, in milliseconds: twice as long each time, at most a minute, and
 * somewhere in the upper half of that, so that brokers which lost the same receiver do not come back all at once.
 *
 * @param chance from 0 up to 1
 */
export function backOff(failures: number, chance = Math.random()): number {
  const longest = Math.min(LONGEST_MS, FIRST_MS * 2 ** (failures - 1));
  return longest * (0.5 + chance / 2);
}
