/** PostgreSQL's text holds every character but NUL and half a pair; the replacement character stands for these. */
export function toText(value: string): string {
  return value.toWellFormed().replaceAll('\0', '\uFFFD');
}

export function toTextOrNull(value: string | undefined): string | null {
  return value === undefined ? null : toText(value);
}
