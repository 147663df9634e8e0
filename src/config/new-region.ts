import { createPrivateKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';

import type { MadeFile } from '../trust/made-file.ts';
import { makeFiles, type Layout } from '../trust/make-files.ts';
import { encryptedPkcs8, plainPkcs8 } from '../trust/private-key.ts';
import {
  firstConfig,
  firstDirectory,
  firstStatement,
  keepElsewhere,
  type FirstWords,
} from './first-files.ts';
import { privateJwkText } from './signing-keys.ts';

const generate = promisify(generateKeyPair);

export type TlsKeyKind = 'rsa' | 'ec';

export interface NewRegion extends FirstWords {
  /** What the message key signs with. */
  readonly messageAlgorithm: 'ES256' | 'EdDSA';
  /** An authority of our own, beside the federation key, that issues both leaves at once. */
  readonly ownAuthority: boolean;
  /** What the TLS keys are where no authority of our own issues them. */
  readonly tlsKey: TlsKeyKind;
  /** DNS names of our server, besides the entity identifier, in the leaf of our own authority. */
  readonly dns: readonly string[];
  /** Under which every private key is encrypted. */
  readonly passphrase: string | undefined;
}

/** Everything that a new region needs. Only their owner may enter the closed directories. */
export const CLOSED_DIRECTORIES: readonly string[] = ['private', 'federation'];

/** Makes a new region's keys, its words and its first configuration file. Nothing is written. */
export async function newRegion(region: NewRegion, now: Date): Promise<MadeFile[]> {
  const made = await makeFiles(layoutOf(region), now);
  const keys = region.ownAuthority ? [] : await Promise.all([tlsKey('server'), tlsKey('client')]);
  const sealed = await Promise.all([...made, ...keys].map((file) => seal(file, region.passphrase)));
  const words = (path: string, text: string): MadeFile => ({ path, text, secret: false });
  return [
    ...sealed,
    words(`${region.region}.yaml`, firstConfig(region)),
    words('statement.yaml', firstStatement(region)),
    words('federation/KEEP-ELSEWHERE.txt', keepElsewhere(region.ownAuthority)),
    ...(region.directory === undefined ? [words('directory.yaml', firstDirectory(region))] : []),
  ];

  async function tlsKey(role: 'server' | 'client'): Promise<MadeFile> {
    const key = await newTlsKey(region.tlsKey);
    return { path: `private/tls-${role}.key.pem`, text: plainPkcs8(key), secret: true };
  }
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

function layoutOf({ region, name, entity, ownAuthority, messageAlgorithm, dns }: NewRegion): Layout {
  const authority = { certificate: 'public/ca.pem', key: 'federation/ca.key.pem' };
  const leaf = (usage: 'server' | 'client') => ({
    issuer: authority.certificate,
    certificate: `public/tls-${usage}.pem`,
    key: `private/tls-${usage}.key.pem`,
    commonName: `${region} TLS ${usage}`,
    uri: entity,
    usage,
    dns: usage === 'server' ? dns : [],
  });
  const key = (purpose: string, algorithm: 'ES256' | 'EdDSA') => ({
    ...{ algorithm, form: 'jwk' as const },
    private: `private/${purpose}.jwk.json`,
    public: `public/${purpose}.jwk.json`,
  });
  return {
    authorities: ownAuthority ? [{ name: `${name} Wayleave CA`, ...authority }] : [],
    leaves: ownAuthority ? [leaf('server'), leaf('client')] : [],
    signingKeys: [
      {
        algorithm: 'EdDSA',
        private: 'federation/federation.jwk.json',
        public: 'public/federation.jwks.json',
        form: 'jwks',
      },
      key('message', messageAlgorithm),
      key('log', 'EdDSA'),
      key('witness', 'EdDSA'),
    ],
    secrets: ['cursor.key', 'paging.key', 'patient-digest.key', 'audit.keys', 'trust.key'].map(
      (file) => `private/${file}`,
    ),
    copies: [],
  };
}
