import { generateKeyPairSync, randomBytes, sign, X509Certificate, type KeyObject } from 'node:crypto';

import type { Credential } from '../../src/trust/issue.ts';
import { der, extension, name, oid, time, type Der } from './made-der.ts';

type Key = 'rsa-2048' | 'rsa-1024' | 'p256' | 'p384' | 'secp256k1' | 'ed25519';
export type Hash = 'sha256' | 'sha384' | 'sha1';

/** What a test wants of a certificate: right in all that it does not name, and not judged. */
export interface Wanted {
  readonly name: string;
  readonly by?: Made;
  readonly key?: Key;
  /** Another certificate for the same key. */
  readonly sameKeyAs?: Made;
  readonly hash?: Hash;
  /** Relative to now, in minutes; default an hour ago, and a day ahead. */
  readonly from?: number;
  readonly until?: number;
  /** An authority, below which so many may stand. */
  readonly authority?: true | { readonly below: number };
  readonly usages?: readonly ('client' | 'server' | 'email')[];
  readonly uris?: readonly string[];
  readonly dns?: readonly string[];
  /** For an authority: the host below which alone it may name; the form is `.example.nhs.uk` for URIs. */
  readonly permitted?: { readonly dns?: string; readonly uri?: string };
  /** A critical extension that nobody knows. */
  readonly strange?: true;
  readonly keyUsage?: number;
}

/** A certificate with its key, and what is needed to issue below it. */
export interface Made extends Credential {
  readonly x509: X509Certificate;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly subject: Der;
}

/** Makes a certificate (RFC 5280) of any key and signature, which the project's own maker rightly cannot. */
export function made(wanted: Wanted): Made {
  const { publicKey, privateKey } = wanted.sameKeyAs ?? pairOf(wanted.key ?? 'p256');
  const subject = name(wanted.name);
  const signer = wanted.by?.privateKey ?? privateKey;
  const algorithm = algorithmOf(signer, wanted.hash ?? 'sha256');
  const minutes = (count: number): Date => new Date(Date.now() + count * 60_000);
  const tbs = der(0x30, [
    der(0xa0, [der(0x02, Buffer.from([2]))]),
    der(0x02, Buffer.concat([Buffer.from([0x4a]), randomBytes(15)])),
    algorithm.identifier,
    wanted.by?.subject ?? subject,
    der(0x30, [time(minutes(wanted.from ?? -60)), time(minutes(wanted.until ?? 1440))]),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, [der(0x30, extensionsOf(wanted))]),
  ]);
  const signature = sign(algorithm.hash, tbs, signer);
  const raw = der(0x30, [tbs, algorithm.identifier, der(0x03, Buffer.concat([Buffer.from([0]), signature]))]);
  const x509 = new X509Certificate(raw);
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  return { certificate: x509.toString(), key, x509, privateKey, publicKey, subject };
}

function pairOf(key: Key): { publicKey: KeyObject; privateKey: KeyObject } {
  if (key === 'ed25519') return generateKeyPairSync('ed25519');
  if (key.startsWith('rsa')) {
    return generateKeyPairSync('rsa', { modulusLength: Number(key.slice('rsa-'.length)) });
  }
  const curves = { p256: 'P-256', p384: 'P-384', secp256k1: 'secp256k1' } as const;
  return generateKeyPairSync('ec', { namedCurve: curves[key as keyof typeof curves] });
}

const ALGORITHMS: Readonly<
  Record<string, readonly [id: string, hash: Hash | undefined, parameters: boolean]>
> = {
  'rsa sha256': ['1.2.840.113549.1.1.11', 'sha256', true],
  'rsa sha384': ['1.2.840.113549.1.1.12', 'sha384', true],
  'rsa sha1': ['1.2.840.113549.1.1.5', 'sha1', true],
  'ec sha256': ['1.2.840.10045.4.3.2', 'sha256', false],
  'ec sha384': ['1.2.840.10045.4.3.3', 'sha384', false],
  'ec sha1': ['1.2.840.10045.4.1', 'sha1', false],
};

/** The AlgorithmIdentifier with which a key signs over a hash, and the hash itself. */
export function algorithmOf(key: KeyObject, hash: Hash): { identifier: Der; hash: Hash | undefined } {
  const [id, over, parameters] = ALGORITHMS[`${key.asymmetricKeyType} ${hash}`] ?? [
    '1.3.101.112',
    undefined,
    false,
  ];
  return {
    identifier: der(0x30, [oid(id), ...(parameters ? [der(0x05, Buffer.alloc(0))] : [])]),
    hash: over,
  };
}

const USAGES = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2', email: '1.3.6.1.5.5.7.3.4' };
/** keyCertSign and cRLSign; digitalSignature. */
const KEY_USAGE = { authority: 0x06, leaf: 0x80 };

function extensionsOf(wanted: Wanted): Der[] {
  const { authority, usages = [], uris = [], dns = [], permitted = {} } = wanted;
  const below = typeof authority === 'object' ? [der(0x02, Buffer.from([authority.below]))] : [];
  const basic = authority === undefined ? [] : [der(0x01, Buffer.from([0xff])), ...below];
  const keyUsage = wanted.keyUsage ?? (authority === undefined ? KEY_USAGE.leaf : KEY_USAGE.authority);
  const names = [
    ...uris.map((uri) => der(0x86, Buffer.from(uri, 'latin1'))),
    ...dns.map((host) => der(0x82, Buffer.from(host, 'latin1'))),
  ];
  const trees = [
    ...(permitted.dns === undefined ? [] : [der(0x30, [der(0x82, Buffer.from(permitted.dns))])]),
    ...(permitted.uri === undefined ? [] : [der(0x30, [der(0x86, Buffer.from(permitted.uri))])]),
  ];
  return [
    extension('2.5.29.19', der(0x30, basic), true),
    extension('2.5.29.15', der(0x03, Buffer.from([0, keyUsage])), true),
    ...(usages.length > 0
      ? [
          extension(
            '2.5.29.37',
            der(
              0x30,
              usages.map((usage) => oid(USAGES[usage])),
            ),
          ),
        ]
      : []),
    ...(names.length > 0 ? [extension('2.5.29.17', der(0x30, names))] : []),
    ...(trees.length > 0 ? [extension('2.5.29.30', der(0x30, [der(0xa0, trees)]), true)] : []),
    ...(wanted.strange ? [extension('1.3.6.1.4.1.32473.1', der(0x05, Buffer.alloc(0)), true)] : []),
  ];
}
