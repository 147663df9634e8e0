import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** relative path -> SHA-256, for every file below the directory. */
export async function digests(directory: string): Promise<Map<string, string>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const pairs = paths.sort().map(async (path) => {
    const digest = createHash('sha256').update(await readFile(path));
    return [path.slice(directory.length + 1), digest.digest('hex')] as const;
  });
  return new Map(await Promise.all(pairs));
}
