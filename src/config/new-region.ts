import { createPrivateKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';

import type { MadeFile } from '../trust/made-file.ts';
import { makeFiles } from '../trust/make-files.ts';
import { encryptedPkcs8, plainPkcs8 } from '../trust/private-key.ts';
import { firstConfig, firstDirectory, firstStatement, keepElsewhere } from './first-files.ts';
import { firstLayout, type FirstKeys } from './first-layout.ts';
import { privateJwkText } from './signing-keys.ts';

const generate = promisify(generateKeyPair);

export type TlsKeyKind = 'rsa' | 'ec';

export interface NewRegion extends FirstKeys {
  /** What the TLS keys are where no authority of our own issues them. */
  readonly tlsKey: TlsKeyKind;
  /** Under which every private key is encrypted. */
  readonly passphrase: string | undefined;
}

/** The directories that only their owner may enter. */
const CLOSED_DIRECTORIES: readonly string[] = ['private', 'federation', 'admins', 'viewers'];

/** Those of them that there is something in. */
export function closedAmong(files: readonly MadeFile[]): string[] {
  return CLOSED_DIRECTORIES.filter((name) => files.some(({ path }) => path.startsWith(`${name}/`)));
}

/** Makes a new region's keys, its words and its first configuration file. Nothing is written. */
export async function newRegion(region: NewRegion, now: Date): Promise<MadeFile[]> {
  const made = await makeFiles(firstLayout(region), now);
  const keys = region.ownAuthority ? [] : await Promise.all([tlsKey('server'), tlsKey('client')]);
  const sealed = await Promise.all([...made, ...keys].map((file) => seal(file, region.passphrase)));
  const words = (path: string, text: string): MadeFile => ({ path, text, secret: false });
  return [
    ...sealed,
    words(`${region.region}.yaml`, firstConfig(region)),
    words('statement.yaml', firstStatement(region)),
    words('federation/KEEP-ELSEWHERE.txt', keepElsewhere(made.some(isAuthorityKey))),
    ...(region.directory === undefined ? [words('directory.yaml', firstDirectory(region))] : []),
  ];

  async function tlsKey(role: 'server' | 'client'): Promise<MadeFile> {
    const key = await newTlsKey(region.tlsKey);
    return { path: `private/tls-${role}.key.pem`, text: plainPkcs8(key), secret: true };
  }
}

/** In the directory that is kept elsewhere, beside the federation key. */
function isAuthorityKey({ path }: MadeFile): boolean {
  return path.startsWith('federation/') && path.endsWith('.key.pem');
}

/** A new TLS key: RSA 2048, or EC on P-256. */
export async function newTlsKey(kind: TlsKeyKind): Promise<KeyObject> {
  const { privateKey } =
    kind === 'rsa'
      ? await generate('rsa', { modulusLength: 2048 })
      : await generate('ec', { namedCurve: 'P-256' });
  return privateKey;
}

/** A private TLS key as its file has it. */
export async function tlsKeyText(key: KeyObject, passphrase: string | undefined): Promise<string> {
  return passphrase === undefined ? plainPkcs8(key) : encryptedPkcs8(key, passphrase);
}

/** Puts a private key under the passphrase, in the form that its kind of file has. */
async function seal(file: MadeFile, passphrase: string | undefined): Promise<MadeFile> {
  if (passphrase === undefined || !file.secret) return file;
  if (file.path.endsWith('.key.pem')) {
    return { ...file, text: await encryptedPkcs8(createPrivateKey(file.text), passphrase) };
  }
  if (!file.path.endsWith('.jwk.json')) return file;
  return { ...file, text: await privateJwkText(JSON.parse(file.text) as object, passphrase) };
}
