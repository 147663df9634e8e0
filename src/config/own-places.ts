import type { X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

import { certificatesIn } from '../trust/certificates-in.ts';
import type { PublicJwk } from '../trust/entity-statement.ts';
import type { PairFiles, TlsRole } from '../trust/key-pair-files.ts';
import { StartError } from '../errors.ts';
import { pairFiles } from './open-secrets.ts';
import { readConfigFile } from './load.ts';
import { passphraseIn, type Environment } from './passphrase.ts';
import { jwksFrom, readNamed } from './read-files.ts';
import type { ConfigFile } from './schema.ts';

/**
 * A region's own keys, certificates and statement, as files. It is read before they are all there: the configuration as
 * a whole loads only when they are.
 */
export interface OwnPlaces {
  readonly source: string;
  readonly config: ConfigFile;
  /** Absolute. */
  readonly secrets: string;
  readonly certificates: Readonly<Record<TlsRole, string>>;
  readonly statement: string;
  readonly federationKeys: string;
  readonly passphrase: string | undefined;
}

/** @throws StartError */
export function ownPlaces(file: string, environment?: Environment): OwnPlaces {
  const source = resolve(file);
  const config = readConfigFile(source);
  const near = (name: string): string => resolve(dirname(source), name);
  return {
    ...{ source, config },
    secrets: near(config.secrets),
    certificates: { server: near(config.certificates.server), client: near(config.certificates.client) },
    statement: near(config.statement),
    federationKeys: near(config.federation_keys),
    passphrase: passphraseIn(config.secrets_passphrase_env, 'secrets_passphrase_env', environment),
  };
}

export function ownPair({ secrets, certificates, passphrase }: OwnPlaces, role: TlsRole): PairFiles {
  return pairFiles(secrets, certificates[role], role, passphrase);
}

/** Our present statement's text, or undefined where none was signed yet. @throws StartError */
export function ownStatementText({ source, statement }: OwnPlaces): string | undefined {
  return existsSync(statement) ? readNamed(source, 'statement', statement).trim() : undefined;
}

/** @throws StartError */
export function ownFederationKeys({ source, federationKeys }: OwnPlaces): PublicJwk[] {
  return jwksFrom(source, 'federation_keys', federationKeys);
}

/** The certificates of one of our chains, as they are in place; none where there is no file. @throws StartError */
export function ownChain({ source, certificates }: OwnPlaces, role: TlsRole): X509Certificate[] {
  const file = certificates[role];
  if (!existsSync(file)) return [];
  const text = readNamed(source, `certificates.${role}`, file);
  try {
    return certificatesIn(text);
  } catch (cause) {
    throw new StartError(
      `${source}: certificates.${role} names ${file}, which holds no certificates: mend it.`,
      { cause },
    );
  }
}
