import { open } from 'node:fs/promises';

/** A new file's name is on the disk, and not its bytes alone, once the directory is flushed as well. */
export async function flushDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
