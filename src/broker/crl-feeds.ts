import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { CrlRefused } from '../trust/crl-refused.ts';
import { MOST_CRL_BYTES } from '../trust/crl.ts';
import { fetchCrl } from '../upstream/fetch-crl.ts';

/** One place where revocation lists come from; what comes is not verified. */
export interface CrlFeed {
  /** The path or the address, for status. */
  readonly place: string;
  /** The time between two looks. */
  readonly everyMs: number;
  /** The first wait after a look that failed; each further one is twice as long, up to `everyMs`. */
  readonly retryMs: number;
  /** What was kept when the broker last ran. */
  restore(): Promise<Buffer | undefined>;
  /** @param again true when the last look ended well: then undefined says that nothing has changed since */
  read(again: boolean): Promise<Buffer | undefined>;
  /** Keeps a list that was believed, for the next start. */
  keep(bytes: Buffer): Promise<void>;
}

const FILES_MS = 1_000;
const RETRY_MS = 30_000;

/** Read when its size or its time of change is another than before. */
export function fileFeed(path: string, everyMs = FILES_MS): CrlFeed {
  let last: string | undefined;
  return {
    ...{ place: path, everyMs, retryMs: everyMs },
    restore: async () => undefined,
    read: async (again) => {
      const { mtimeMs, size, ino } = await stat(path);
      const found = `${mtimeMs} ${size} ${ino}`;
      if (again && found === last) return undefined;
      last = found;
      if (size > MOST_CRL_BYTES) throw new CrlRefused('crl-too-large');
      return await readFile(path);
    },
    keep: async () => undefined,
  };
}

/** @param cache directory in which the last good list outlives a restart */
export function addressFeed(
  url: string,
  everyMs: number,
  cache: string | undefined,
  retryMs = RETRY_MS,
): CrlFeed {
  const kept = cache && join(cache, `${createHash('sha256').update(url).digest('hex')}.crl`);
  return {
    ...{ place: url, everyMs, retryMs: Math.min(retryMs, everyMs) },
    restore: async () => (kept === undefined ? undefined : await readFile(kept).catch(() => undefined)),
    read: () => fetchCrl(url),
    keep: async (bytes) => {
      if (cache === undefined || kept === undefined) return;
      await mkdir(cache, { recursive: true });
      await writeFile(`${kept}.new`, bytes);
      await rename(`${kept}.new`, kept);
    },
  };
}
