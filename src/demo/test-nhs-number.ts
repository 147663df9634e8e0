/** The first of the NHS numbers that are never issued (999 000 0000 to 999 999 9999), without check digit. */
const FIRST_STEM = 999_000_000;

/**
 * The first valid NHS number at or after `from` within the range that is never issued to anybody.
 *
 * @throws RangeError when `from` lies outside 9990000000 to 9999999999, or no number is left
 */
export function nextTestNhsNumber(from: string): string {
  if (!/^999\d{7}$/.test(from)) throw new RangeError('a test NHS number has ten digits and starts with 999');
  for (let stem = Math.floor(Number(from) / 10); stem < FIRST_STEM + 1_000_000; stem++) {
    const number = withCheckDigit(stem);
    if (number !== undefined && number >= from) return number;
  }
  throw new RangeError('no test NHS number is left');
}

/** `count` test numbers in ascending order, from the first at or after `from`. */
export function testNhsNumbers(from: string, count: number): string[] {
  const numbers: string[] = [];
  for (let next = from; numbers.length < count; next = String(Number(next) + 1)) {
    next = nextTestNhsNumber(next);
    numbers.push(next);
  }
  return numbers;
}

/** Modulus 11; undefined where the check digit would be 10. */
function withCheckDigit(stem: number): string | undefined {
  const digits = String(stem);
  const sum = [...digits].reduce((total, digit, position) => total + Number(digit) * (10 - position), 0);
  const check = 11 - (sum % 11);
  return check === 10 ? undefined : `${digits}${String(check % 11)}`;
}
