import { X509Certificate } from 'node:crypto';

import { CommandFailed } from './io.ts';
import { readBytes } from './federation-keys.ts';

/** More is no key, certificate or statement. */
const MOST_BYTES = 1_000_000;

/** A file that somebody gave us, if it has a size that such files have. @throws CommandFailed */
export function givenFile(file: string): Buffer {
  const bytes = readBytes(file);
  if (bytes.length > 0 && bytes.length <= MOST_BYTES) return bytes;
  throw new CommandFailed(
    `${file} is ${bytes.length === 0 ? 'empty' : 'too large'}: name a key, certificate or statement.`,
  );
}

/** The certificates of authorities that options name, each one PEM or DER. @throws CommandFailed */
export function authoritiesIn(files: readonly string[] = []): X509Certificate[] {
  return files.map((file) => {
    try {
      const certificate = new X509Certificate(givenFile(file));
      if (certificate.ca) return certificate;
    } catch (error) {
      if (error instanceof CommandFailed) throw error;
    }
    throw new CommandFailed(`--anchor ${file} holds no authority's certificate: write one.`, 2);
  });
}
