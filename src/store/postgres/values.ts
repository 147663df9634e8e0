/** PostgreSQL's text holds every character but NUL and half a pair; the replacement character stands for these. */
export function toText(value: string): string {
  return value.toWellFormed().replaceAll('\0', '\uFFFD');
}

export function toTextOrNull(value: string | undefined): string | null {
  return value === undefined ? null : toText(value);
}

/**
 * Many values of bytes as one parameter: that travels as it is, where each in an array is written in hexadecimal
 * digits, and read from them again. Beside it where each begins, from 1 on, and how long it is: for `substring`.
 */
export function sideBySide(
  values: readonly Uint8Array[],
): [bytes: Buffer, from: readonly number[], sizes: readonly number[]] {
  const sizes = values.map(({ length }) => length);
  let next = 1;
  const from = sizes.map((size) => {
    const begins = next;
    next += size;
    return begins;
  });
  return [Buffer.concat(values), from, sizes];
}
