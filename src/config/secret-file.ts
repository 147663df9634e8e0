import { readFileSync, statSync } from 'node:fs';

import { StartError } from '../errors.ts';

/**
 * The text of a file of secrets that its owner alone may read.
 *
 * @returns undefined where there is none
 * @throws StartError
 */
export function secretFile(file: string): string | undefined {
  try {
    const mode = statSync(file).mode & 0o077;
    if (mode !== 0) {
      throw new StartError(`secrets: ${file} can be read by other users: run chmod 600 on it.`);
    }
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof StartError) throw error;
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw notThere(file, error);
  }
}

export function notThere(file: string, cause?: unknown): StartError {
  return new StartError(
    `secrets: ${file} cannot be read: put the key there, or make the development keys with ` +
      '`npx wayleave demo --prepare`.',
    { cause },
  );
}
