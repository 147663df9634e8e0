import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';

import { MaterialError, StartError } from '../errors.ts';
import { isCompactJwe, openJwe } from '../evidence/encrypted-jwk.ts';
import { keyFor, pairPlace, type PairFiles, type TlsRole } from '../trust/key-pair-files.ts';
import { plainPkcs8 } from '../trust/private-key.ts';
import { passphraseIn, type Environment } from './passphrase.ts';
import { notThere, secretFile } from './secret-file.ts';
import { loadSecrets, type Secrets } from './secrets.ts';

/** What of a configuration says where the secrets are and which of them belong to its certificates. */
export interface SecretsPlace {
  /** Absolute. */
  readonly secretsDirectory: string;
  /** The variable with the passphrase of the private keys, if they have one. */
  readonly secrets_passphrase_env?: string | undefined;
  readonly certificates: { readonly server: string; readonly client: string };
  /** PEM. */
  readonly serverCertificate: string;
  readonly clientCertificate: string;
}

/**
 * Reads the secrets directory, opens what is under a passphrase, and takes for each certificate the key that fits it
 * (`src/trust/key-pair-files.ts`): one that is being changed never meets the other's key.
 *
 * @throws StartError when a file is missing, not of its form, readable by others, does not open, or fits no certificate
 */
export async function openSecrets(place: SecretsPlace, environment?: Environment): Promise<Secrets> {
  const directory = place.secretsDirectory;
  const passphrase = passphraseIn(place.secrets_passphrase_env, 'secrets_passphrase_env', environment);
  const jwk = (name: string): Promise<object> => openJwkFile(join(directory, name), passphrase);
  const tlsKey = (role: TlsRole, pem: string): Promise<string> =>
    openTlsKey(pairFiles(directory, place.certificates[role], role, passphrase), role, pem);
  const [tlsServerKey, tlsClientKey, messageKey, logKey, witnessKey] = await Promise.all([
    tlsKey('server', place.serverCertificate),
    tlsKey('client', place.clientCertificate),
    jwk('message.jwk.json'),
    jwk('log.jwk.json'),
    jwk('witness.jwk.json'),
  ]);
  return loadSecrets(directory, { tlsServerKey, tlsClientKey, messageKey, logKey, witnessKey });
}

/** The files of one of our TLS pairs, as the readers and the writers of them take it. */
export function pairFiles(
  secrets: string,
  certificate: string,
  role: TlsRole,
  passphrase: string | undefined,
): PairFiles {
  const read = (file: string): Promise<string | undefined> => Promise.resolve(secretFile(file));
  return { place: pairPlace(secrets, certificate, role), read, passphrase };
}

/**
 * The key of a certificate, in clear.
 *
 * @param pem the certificate, its leaf first
 * @throws StartError where none of the files holds it
 */
export async function openTlsKey(files: PairFiles, role: TlsRole, pem: string): Promise<string> {
  const certificate = certificateOf(pem, role);
  const found = await asStart(() => keyFor(certificate, files));
  if (found !== undefined) return plainPkcs8(found.key);
  if (secretFile(files.place.key) === undefined) throw notThere(files.place.key);
  throw new StartError(
    `secrets: ${files.place.key} is not the key of certificates.${role}: put the two in place together ` +
      `with \`wayleave trust import --for ${role}\`.`,
  );
}

function certificateOf(pem: string, role: TlsRole): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw new StartError(`certificates.${role} holds no certificate in PEM form: write one.`, { cause });
  }
}

/**
 * A private JWK, in clear or as a JWE under the passphrase.
 *
 * @throws StartError which quotes nothing of it
 */
export async function openJwkFile(file: string, passphrase: string | undefined): Promise<object> {
  const text = secretFile(file);
  if (text === undefined) throw notThere(file);
  const plain = isCompactJwe(text) ? await openedJwe(file, text, passphrase) : text;
  try {
    const parsed: unknown = JSON.parse(plain);
    if (typeof parsed === 'object' && parsed !== null) return parsed;
  } catch {
    // The parser's own message quotes the text, which is a key: it must not become the cause.
  }
  throw new StartError(`secrets: ${file} is not JSON: write a private JWK there.`);
}

async function openedJwe(file: string, text: string, passphrase: string | undefined): Promise<string> {
  if (passphrase === undefined) throw new StartError(sealed(file));
  let plain: string | undefined;
  try {
    plain = await openJwe(text, passphrase);
  } catch {
    throw new StartError(`secrets: ${file} is no JWE that a passphrase opens: put the key back from a copy.`);
  }
  if (plain === undefined)
    throw new StartError(`secrets: ${file} does not open with this passphrase: use the right one.`);
  return plain;
}

const sealed = (file: string): string =>
  `secrets: ${file} is encrypted: name the variable that holds its passphrase (secrets_passphrase_env, or --passphrase-env).`;

async function asStart<Result>(action: () => Promise<Result>): Promise<Result> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof MaterialError) throw new StartError(`secrets: ${error.message}`, { cause: error });
    throw error;
  }
}
