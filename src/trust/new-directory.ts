import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { MaterialError } from '../errors.ts';
import { notWritten } from './durable-file.ts';
import { flushDirectory } from './flush-directory.ts';
import { fillDirectory, type MadeFile } from './made-file.ts';

/**
 * Makes a directory with these files, all of them or nothing: they are written beside it and renamed. What is there is
 * never touched, unless it is an empty directory.
 *
 * @param closed top-level directories that only their owner may enter
 * @throws MaterialError `exists`, `not-written`
 */
export async function makeDirectory(
  target: string,
  files: readonly MadeFile[],
  closed: readonly string[],
): Promise<void> {
  await refuseExisting(target);
  let workshop: string | undefined;
  try {
    await mkdir(dirname(target), { recursive: true });
    workshop = await mkdtemp(join(dirname(target), `.${basename(target)}-`));
    const fresh = join(workshop, 'new');
    await mkdir(fresh);
    await fillDirectory(fresh, files, closed);
    for (const folder of foldersOf(files)) await flushDirectory(join(fresh, folder));
    await rename(fresh, target).catch((error: NodeJS.ErrnoException) => {
      // Another came first.
      throw error.code === 'ENOTEMPTY' || error.code === 'EEXIST' ? exists(target) : error;
    });
    await flushDirectory(dirname(target));
  } catch (error) {
    throw error instanceof MaterialError ? error : notWritten(target, error);
  } finally {
    if (workshop !== undefined) await rm(workshop, { recursive: true, force: true });
  }
}

/** Before a key is made for it. @throws MaterialError `exists` */
export async function refuseExisting(target: string): Promise<void> {
  const found = await stat(target).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isDirectory() || (await readdir(target)).length > 0) throw exists(target);
}

function exists(target: string): MaterialError {
  return new MaterialError('exists', `${target} is there already: name a directory that is new or empty.`);
}

function foldersOf(files: readonly MadeFile[]): Set<string> {
  return new Set(['.', ...files.map(({ path }) => dirname(path))]);
}
