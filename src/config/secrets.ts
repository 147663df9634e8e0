import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { StartError } from '../errors.ts';

/** Private keys and sealing keys: read apart from the configuration, never logged, never in an error. */
export interface Secrets {
  /** PEM private keys of our TLS certificates. */
  readonly tlsServerKey: string;
  readonly tlsClientKey: string;
  /** Private JWK that signs queries and responses. */
  readonly messageKey: object;
  /** 32 bytes each: seals record cursors, seals page links, digests NHS numbers. */
  readonly cursorKey: Buffer;
  readonly pagingKey: Buffer;
  readonly patientDigestKey: Buffer;
  /** 32 bytes each: wrap the keys of audit entries; the first is the one in use, the others open older entries. */
  readonly auditKeys: readonly Buffer[];
  /** 32 bytes: seals decisions on whom we trust. */
  readonly trustKey: Buffer;
  /** Private JWK (Ed25519) that signs the log's checkpoints. */
  readonly logKey: object;
  /** Private JWK (Ed25519) that cosigns neighbours' checkpoints. */
  readonly witnessKey: object;
}

/**
 * Reads the secrets directory.
 *
 * @throws StartError when a file is missing, not of its form, or readable by others
 */
export function loadSecrets(directory: string): Secrets {
  return {
    tlsServerKey: secretText(directory, 'tls-server.key.pem'),
    tlsClientKey: secretText(directory, 'tls-client.key.pem'),
    messageKey: secretJson(directory, 'message.jwk.json'),
    cursorKey: secretBytes(directory, 'cursor.key'),
    pagingKey: secretBytes(directory, 'paging.key'),
    patientDigestKey: secretBytes(directory, 'patient-digest.key'),
    trustKey: secretBytes(directory, 'trust.key'),
    auditKeys: secretLines(directory, 'audit.keys'),
    logKey: secretJson(directory, 'log.jwk.json'),
    witnessKey: secretJson(directory, 'witness.jwk.json'),
  };
}

function secretText(directory: string, name: string): string {
  const file = join(directory, name);
  try {
    const mode = statSync(file).mode & 0o077;
    if (mode !== 0) {
      throw new StartError(`secrets: ${file} can be read by other users: run chmod 600 on it.`);
    }
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError(
      `secrets: ${file} cannot be read: put the key there, or make the development keys with ` +
        '`npx wayleave demo --prepare`.',
      { cause: error },
    );
  }
}

function secretJson(directory: string, name: string): object {
  try {
    return JSON.parse(secretText(directory, name)) as object;
  } catch (error) {
    if (error instanceof StartError) throw error;
    // The parser's own message quotes the text, which is a key: it must not become the cause.
    throw new StartError(`secrets: ${join(directory, name)} is not JSON: write a private JWK there.`);
  }
}

function secretBytes(directory: string, name: string): Buffer {
  return bytesOf(secretText(directory, name), directory, name);
}

/** One key a line. */
function secretLines(directory: string, name: string): Buffer[] {
  const lines = secretText(directory, name)
    .trim()
    .split(/\s*\n\s*/);
  return lines.map((line) => bytesOf(line, directory, name));
}

function bytesOf(text: string, directory: string, name: string): Buffer {
  const bytes = Buffer.from(text.trim(), 'base64url');
  if (bytes.length !== 32) {
    throw new StartError(
      `secrets: ${join(directory, name)} has not 32 bytes: write 32 random bytes in base64url.`,
    );
  }
  return bytes;
}
