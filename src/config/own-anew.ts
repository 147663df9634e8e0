import { dirname, join, resolve } from 'node:path';

import type { PublicJwk } from '../trust/entity-statement.ts';
import { pairPlace, type TlsRole } from '../trust/key-pair-files.ts';
import type { TlsIdentity } from '../trust/tls.ts';
import { stampOf } from './file-stamp.ts';
import type { Config } from './load.ts';
import { openJwkFile, openTlsKey, pairFiles } from './open-secrets.ts';
import { passphraseIn } from './passphrase.ts';
import { TrustFiles, type WholeFile } from './trust-files.ts';

/** What of our own identity may change while the broker runs. */
export interface OwnAnew {
  readonly statementToken: string;
  readonly federationKeys: readonly PublicJwk[];
  /** Private JWK that signs queries and responses. */
  readonly messageKey: object;
  /** The public files of it. */
  readonly whole: readonly WholeFile[];
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
  const files = asTheyAre(config);
  return {
    messageKey: await openJwkFile(messageKey, passphrase),
    federationKeys: files.jwks('federation_keys', federationKeys),
    statementToken: files.statement('statement', statement),
    whole: files.whole,
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
export async function readOwnTls(
  config: Config,
  role: TlsRole,
  known: TlsIdentity,
): Promise<{ readonly identity: TlsIdentity; readonly whole: readonly WholeFile[] }> {
  const file = certificateFile(config, role);
  const files = asTheyAre(config);
  const certificate = files.pem(`certificates.${role}`, file);
  const { whole } = files;
  if (certificate === known.certificate) return { identity: known, whole };
  const passphrase = passphraseIn(config.secrets_passphrase_env, 'secrets_passphrase_env');
  const pair = pairFiles(config.secretsDirectory, file, role, passphrase);
  return { identity: { certificate, key: await openTlsKey(pair, role, certificate) }, whole };
}

/** Our files that are read anew while the broker runs, so that one that is cut is told until it is whole. */
export function filesReadAnew(config: Config): Readonly<Record<TlsRole | 'identity', readonly string[]>> {
  const { statement, federationKeys } = placesOf(config);
  return {
    server: [certificateFile(config, 'server')],
    client: [certificateFile(config, 'client')],
    identity: [statement, federationKeys],
  };
}

function certificateFile(config: Config, role: TlsRole): string {
  return resolve(dirname(config.source), config.certificates[role]);
}

/** Nothing stands in for one that is cut while the broker runs: what counted before goes on. */
function asTheyAre({ source }: Config): TrustFiles {
  return new TrustFiles(source, () => undefined);
}

function placesOf(config: Config) {
  const near = (name: string): string => resolve(dirname(config.source), name);
  return {
    statement: near(config.statement),
    federationKeys: near(config.federation_keys),
    messageKey: join(config.secretsDirectory, 'message.jwk.json'),
  };
}
