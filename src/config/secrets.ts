import { join } from 'node:path';

import { StartError } from '../errors.ts';
import { notThere, secretFile } from './secret-file.ts';

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

/** The secrets that may be under a passphrase, opened. */
export type PrivateKeys = Pick<
  Secrets,
  'tlsServerKey' | 'tlsClientKey' | 'messageKey' | 'logKey' | 'witnessKey'
>;

/** The secrets that are bytes: they seal and digest what the store and the broker's own links hold. */
export type StoreSecrets = Omit<Secrets, keyof PrivateKeys>;

/**
 * Reads the secrets directory.
 *
 * @param keys the private keys where they were opened before; by default each is read in clear
 * @throws StartError when a file is missing, not of its form, or readable by others
 */
export function loadSecrets(directory: string, keys: PrivateKeys = plainKeys(directory)): Secrets {
  return { ...keys, ...storeSecrets(directory) };
}

/** What works on a store needs of the secrets: no private key is opened for it. @throws StartError */
export function storeSecrets(directory: string): StoreSecrets {
  return {
    cursorKey: secretBytes(directory, 'cursor.key'),
    pagingKey: secretBytes(directory, 'paging.key'),
    patientDigestKey: secretBytes(directory, 'patient-digest.key'),
    trustKey: secretBytes(directory, 'trust.key'),
    auditKeys: secretLines(directory, 'audit.keys'),
  };
}

function plainKeys(directory: string): PrivateKeys {
  return {
    tlsServerKey: secretText(directory, 'tls-server.key.pem'),
    tlsClientKey: secretText(directory, 'tls-client.key.pem'),
    messageKey: secretJson(directory, 'message.jwk.json'),
    logKey: secretJson(directory, 'log.jwk.json'),
    witnessKey: secretJson(directory, 'witness.jwk.json'),
  };
}

function secretText(directory: string, name: string): string {
  const file = join(directory, name);
  const text = secretFile(file);
  if (text === undefined) throw notThere(file);
  return text;
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
