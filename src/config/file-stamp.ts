import { statSync } from 'node:fs';

/** When files changed last, as a text that is another one after any change; those that cannot be looked at are told too. */
export function stampOf(files: readonly string[]): string {
  return files.map(one).join('\n');
}

function one(file: string): string {
  try {
    const { mtimeMs, ctimeMs, size, ino } = statSync(file);
    return `${file} ${mtimeMs} ${ctimeMs} ${size} ${ino}`;
  } catch (error) {
    return `${file} ${(error as NodeJS.ErrnoException).code}`;
  }
}
