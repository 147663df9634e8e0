import { randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { MaterialError } from '../errors.ts';
import { flushDirectory } from './flush-directory.ts';

export const OWNER_ALONE = 0o600;
export const FOR_ANYONE = 0o644;

/**
 * Writes a file so that a reader, or a start after a crash, finds the former text or the new one, whole: a temporary file
 * beside it, flushed, renamed, and the directory flushed.
 *
 * @throws MaterialError `not-written`; what was there is there still
 */
export async function writeDurably(file: string, text: string, mode: number): Promise<void> {
  const fresh = join(dirname(file), `.${basename(file)}.${randomUUID()}.new`);
  try {
    const handle = await open(fresh, 'wx', mode);
    try {
      // The mask of the process may have taken bits away that others need to read a public file.
      await handle.chmod(mode);
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(fresh, file);
    await flushDirectory(dirname(file));
  } catch (error) {
    await rm(fresh, { force: true }).catch(() => undefined);
    throw notWritten(file, error);
  }
}

/** Renames within a directory, durably. @throws MaterialError `not-written` */
export async function renameDurably(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
    await flushDirectory(dirname(to));
  } catch (error) {
    throw notWritten(to, error);
  }
}

export function notWritten(file: string, cause: unknown): MaterialError {
  const code = (cause as NodeJS.ErrnoException).code ?? 'unknown';
  return new MaterialError('not-written', `${file} cannot be written (${code}): mend that and try again.`, {
    cause,
  });
}
