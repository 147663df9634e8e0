import { randomUUID } from 'node:crypto';
import { link, open, readdir, rename, rm, stat } from 'node:fs/promises';
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
export function writeDurably(file: string, text: string, mode: number): Promise<void> {
  return throughFresh(file, text, mode, (fresh) => rename(fresh, file));
}

/**
 * The same, never over another file, not even one that comes at the same moment.
 *
 * @throws MaterialError `exists`, `not-written`
 */
export function writeNewDurably(file: string, text: string, mode: number): Promise<void> {
  return throughFresh(file, text, mode, async (fresh) => {
    await link(fresh, file).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
      throw new MaterialError('exists', `${file} is there already: another command has written it.`);
    });
    await rm(fresh);
  });
}

async function throughFresh(
  file: string,
  text: string,
  mode: number,
  place: (fresh: string) => Promise<void>,
): Promise<void> {
  const fresh = `${freshPrefix(file)}${randomUUID()}.new`;
  try {
    await removeLeftovers(file);
    const handle = await open(fresh, 'wx', mode);
    try {
      // The mask of the process may have taken bits away that others need to read a public file.
      await handle.chmod(mode);
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await place(fresh);
    await flushDirectory(dirname(file));
  } catch (error) {
    await rm(fresh, { force: true }).catch(() => undefined);
    throw error instanceof MaterialError ? error : notWritten(file, error);
  }
}

function freshPrefix(file: string): string {
  return join(dirname(file), `.${basename(file)}.`);
}

const ABANDONED_AFTER_MS = 600_000;

/** What a command left that was killed while it wrote this file: it may be a key. One that is at work is far younger. */
async function removeLeftovers(file: string): Promise<void> {
  const prefix = basename(freshPrefix(file));
  for (const name of await readdir(dirname(file))) {
    if (!name.startsWith(prefix) || !name.endsWith('.new')) continue;
    const left = join(dirname(file), name);
    const found = await stat(left).catch(() => undefined);
    if (found !== undefined && Date.now() - found.mtimeMs > ABANDONED_AFTER_MS)
      await rm(left, { force: true });
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

/** Takes a file away, durably; one that is gone already is no fault. @throws MaterialError `not-written` */
export async function removeDurably(file: string): Promise<void> {
  try {
    await rm(file, { force: true });
    await flushDirectory(dirname(file));
  } catch (error) {
    throw notWritten(file, error);
  }
}

export function notWritten(file: string, cause: unknown): MaterialError {
  const code = (cause as NodeJS.ErrnoException).code ?? 'unknown';
  return new MaterialError('not-written', `${file} cannot be written (${code}): mend that and try again.`, {
    cause,
  });
}
