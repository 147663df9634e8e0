import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import type { Credential } from './certificate.ts';

export interface MadeFile {
  /** Relative to the directory that it is made for. */
  readonly path: string;
  readonly text: string;
  /** Secret files are readable by their owner only. */
  readonly secret: boolean;
}

export function credentialFiles(
  place: { readonly certificate: string; readonly key: string },
  credential: Credential,
): MadeFile[] {
  return [
    { path: place.certificate, text: credential.certificate, secret: false },
    { path: place.key, text: credential.key, secret: true },
  ];
}

/** A JSON file's text. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

/** Writes the files below a directory that is new. @param closed top-level directories that only their owner enters */
export async function fillDirectory(
  directory: string,
  files: readonly MadeFile[],
  closed: readonly string[],
): Promise<void> {
  for (const name of closed) await mkdir(join(directory, name), { mode: 0o700 });
  for (const { path, text, secret } of files) {
    const file = join(directory, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text, { mode: secret ? 0o600 : 0o644, flush: true });
  }
}
