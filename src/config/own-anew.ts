import { dirname, join, resolve } from 'node:path';

import type { PublicJwk } from '../trust/entity-statement.ts';
import { pairPlace, type TlsRole } from '../trust/key-pair-files.ts';
import type { TlsIdentity } from '../trust/tls.ts';
import { stampOf } from './file-stamp.ts';
import type { Config } from './load.ts';
import { openJwkFile, openTlsKey, pairFiles } from './open-secrets.ts';
import { passphraseIn } from './passphrase.ts';
import { jwksFrom, readNamed } from './read-files.ts';
import { TrustFiles } from './trust-files.ts';

/** What of our own identity may change while the broker runs. */
export interface OwnAnew {
  readonly statementToken: string;
  readonly federationKeys: readonly PublicJwk[];
  /** Private JWK that signs queries and responses. */
  readonly messageKey: object;
}

/** When the files of our identity changed last, as a text that is another one after any change. */
export function ownFilesStamp(config: Config): string {
  const { statement, federationKeys, messageKey } = placesOf(config);
  return stampOf([statement, federationKeys, messageKey]);
}

/** Reads the statement, the federation keys and the message key as they are now. @throws StartError */
export async function readOwnAnew(config: Config): Promise<OwnAnew> {
  const { statement, federationKeys, messageKey } = placesOf(config);
  const passphrase = passphraseIn(config.secrets_passphrase_env, 'secrets_passphrase_env');
  return {
    messageKey: await openJwkFile(messageKey, passphrase),
    federationKeys: jwksFrom(config.source, 'federation_keys', federationKeys),
    statementToken: readNamed(config.source, 'statement', statement),
  };
}

/** The same of one of our certificates, and of the keys that may be its own. */
export function ownTlsStamp(config: Config, role: TlsRole): string {
  const { certificate, key, nextKey, formerKey } = pairPlace(
    config.secretsDirectory,
    certificateFile(config, role),
    role,
  );
  return stampOf([certificate, key, nextKey, formerKey]);
}

/**
 * Reads a certificate of ours as it is now, with the key that fits it.
 *
 * @param known what was read before: no key is opened again for the same certificate
 * @throws StartError
 */
export async function readOwnTls(config: Config, role: TlsRole, known: TlsIdentity): Promise<TlsIdentity> {
  const file = certificateFile(config, role);
  const certificate = readNamed(config.source, `certificates.${role}`, file);
  if (certificate === known.certificate) return known;
  const passphrase = passphraseIn(config.secrets_passphrase_env, 'secrets_passphrase_env');
  const files = pairFiles(config.secretsDirectory, file, role, passphrase);
  return { certificate, key: await openTlsKey(files, role, certificate) };
}

/** Absolute. */
export function certificateFile(config: Config, role: TlsRole): string {
  return resolve(dirname(config.source), config.certificates[role]);
}

/** Our federation keys as their file holds them, for a start at which it is cut. */
export function wholeFederationKeys(config: Config): { readonly file: string; readonly text: string }[] {
  const files = new TrustFiles(config.source, () => undefined);
  files.jwks('federation_keys', placesOf(config).federationKeys);
  return files.whole;
}

function placesOf(config: Config) {
  const near = (name: string): string => resolve(dirname(config.source), name);
  return {
    statement: near(config.statement),
    federationKeys: near(config.federation_keys),
    messageKey: join(config.secretsDirectory, 'message.jwk.json'),
  };
}
