import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { pairFiles } from '../../src/config/open-secrets.ts';
import type { PairFiles } from '../../src/trust/key-pair-files.ts';
import type { Issued } from './certificates.ts';

/** A directory with a server's pair of ours in it, as a region has it. */
export interface OwnPair {
  readonly directory: string;
  readonly files: PairFiles;
  /** Every file with its text and its mode: what must not change when something is refused. */
  snapshot(): Record<string, string>;
  remove(): void;
}

export function ownPair(present?: Issued, passphrase?: string): OwnPair {
  const directory = mkdtempSync(join(tmpdir(), 'wayleave-pair-'));
  for (const name of ['private', 'public']) mkdirSync(join(directory, name), { mode: 0o700 });
  const files = pairFiles(
    join(directory, 'private'),
    join(directory, 'public/tls-server.pem'),
    'server',
    passphrase,
  );
  if (present !== undefined) {
    writeFileSync(files.place.certificate, present.pem);
    writeFileSync(files.place.key, present.keyPem, { mode: 0o600 });
  }
  return {
    directory,
    files,
    snapshot: () => snapshotOf(directory),
    remove: () => rmSync(directory, { recursive: true }),
  };
}

export function snapshotOf(directory: string): Record<string, string> {
  const all = readdirSync(directory, { recursive: true, withFileTypes: true });
  return Object.fromEntries(
    all
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((path) => {
        const stat = statSync(path);
        const text = stat.isFile() ? readFileSync(path, 'utf8') : '';
        return [path.slice(directory.length + 1), `${(stat.mode & 0o777).toString(8)} ${text}`];
      }),
  );
}
