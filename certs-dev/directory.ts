import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { fillDirectory, type MadeFile } from '../src/trust/made-file.ts';

export interface Replacement {
  readonly target: string;
  readonly files: readonly MadeFile[];
  /** Top-level directories that only their owner may enter. */
  readonly closed?: readonly string[];
  /** Asked last thing before anything is replaced: another process may have finished the directory meanwhile. */
  readonly stillWanted: () => Promise<boolean>;
}

/**
 * Puts the files in place of whatever the target holds, all or none: they are written beside it and renamed, so
 * that a reader never meets half of them and a process killed on the way leaves nothing that looks complete.
 */
export async function replaceDirectory({
  target,
  files,
  closed = [],
  stillWanted,
}: Replacement): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  await removeLeftovers(target);
  const workshop = await mkdtemp(workshopPrefix(target));
  try {
    const fresh = join(workshop, 'new');
    await mkdir(fresh);
    await fillDirectory(fresh, files, closed);
    // Where two processes both start from nothing, the first to come this far wins and its directory stays.
    if ((await moved(fresh, target)) || !(await stillWanted())) return;
    await rename(target, join(workshop, 'old')).catch(unless('ENOENT'));
    await moved(fresh, target);
  } finally {
    await rm(workshop, { recursive: true, force: true });
  }
}

/** Whether the directory could take its place, which it cannot where another with something in it is. */
async function moved(directory: string, target: string): Promise<boolean> {
  const done = await rename(directory, target)
    .then(() => true)
    .catch(unless('ENOTEMPTY', 'EEXIST'));
  return done ?? false;
}

function workshopPrefix(target: string): string {
  return join(dirname(target), `.${basename(target)}-`);
}

const ABANDONED_AFTER_MS = 600_000;

/** Removes what a killed process left; one that is at work now is far younger. */
async function removeLeftovers(target: string): Promise<void> {
  const parent = dirname(target);
  const prefix = basename(workshopPrefix(target));
  for (const name of await readdir(parent)) {
    if (!name.startsWith(prefix)) continue;
    const found = await stat(join(parent, name)).catch(unless('ENOENT'));
    const abandoned = found !== undefined && Date.now() - found.mtimeMs > ABANDONED_AFTER_MS;
    if (abandoned) await rm(join(parent, name), { recursive: true, force: true });
  }
}

/** A rejection handler that lets the named system errors pass as `undefined`. */
export function unless(...codes: string[]): (error: NodeJS.ErrnoException) => undefined {
  return (error) => {
    if (codes.includes(error.code ?? '')) return undefined;
    throw error;
  };
}
