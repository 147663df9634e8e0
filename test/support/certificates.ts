import {
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  X509Certificate,
  type KeyObject,
} from 'node:crypto';

import forge from 'node-forge';

import * as der from '../../src/trust/der-writing.ts';

/** A certificate with its key, of any kind: what an authority issues, and what it should not have issued. */
export interface Issued {
  readonly certificate: X509Certificate;
  readonly key: KeyObject;
  readonly pem: string;
  readonly keyPem: string;
}

export interface Wish {
  readonly name: string;
  readonly ca?: boolean;
  readonly uris?: readonly string[];
  readonly dns?: readonly string[];
  /** As `127.0.0.1`. */
  readonly ips?: readonly string[];
  readonly usage?: 'server' | 'client';
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  readonly key?: KeyObject;
  readonly digest?: 'sha1' | 'sha256' | 'sha384';
}

const DAY_MS = 86_400_000;
const USAGE = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' };
const SIGNATURE = {
  rsa: { sha1: '1.2.840.113549.1.1.5', sha256: '1.2.840.113549.1.1.11', sha384: '1.2.840.113549.1.1.12' },
  ec: { sha1: '1.2.840.10045.4.1', sha256: '1.2.840.10045.4.3.2', sha384: '1.2.840.10045.4.3.3' },
};

export function ecKey(namedCurve = 'P-256'): KeyObject {
  return generateKeyPairSync('ec', { namedCurve }).privateKey;
}

export function rsaKey(modulusLength = 2048): KeyObject {
  return generateKeyPairSync('rsa', { modulusLength }).privateKey;
}

/** Issues an X.509 v3 certificate exactly as wished; without an issuer it signs itself. */
export function issue(wish: Wish, issuer?: Issued): Issued {
  const key = wish.key ?? ecKey();
  const signer = issuer?.key ?? key;
  const kind = signer.asymmetricKeyType === 'rsa' ? 'rsa' : 'ec';
  const digest = wish.digest ?? 'sha256';
  const algorithm = der.sequence(
    der.oid(SIGNATURE[kind][digest]),
    ...(kind === 'rsa' ? [der.nothing()] : []),
  );
  const serial = randomBytes(16);
  serial.writeUInt8((serial.readUInt8(0) & 0x7f) | 0x40, 0);
  const tbs = der.sequence(
    forge.asn1.create(forge.asn1.Class.CONTEXT_SPECIFIC, 0, true, [der.integer(2)]),
    forge.asn1.create(forge.asn1.Class.UNIVERSAL, forge.asn1.Type.INTEGER, false, serial.toString('latin1')),
    algorithm,
    nameOf(issuer?.certificate.subject.replace(/^CN=/, '') ?? wish.name),
    der.sequence(
      time(wish.notBefore ?? new Date(Date.now() - DAY_MS)),
      time(wish.notAfter ?? new Date(Date.now() + 90 * DAY_MS)),
    ),
    nameOf(wish.name),
    der.decode(createPublicKey(key).export({ format: 'der', type: 'spki' })),
    forge.asn1.create(forge.asn1.Class.CONTEXT_SPECIFIC, 3, true, [extensions(wish)]),
  );
  const signature = sign(digest, der.encode(tbs), { key: signer, dsaEncoding: 'der' });
  const pem = der.pemText('CERTIFICATE', der.encode(der.sequence(tbs, algorithm, der.bits(signature))));
  const keyPem = key.export({ format: 'pem', type: 'pkcs8' }).toString();
  return { certificate: new X509Certificate(pem), key, pem, keyPem };
}

function nameOf(commonName: string): der.Der {
  return der.sequence(der.set(der.sequence(der.oid('2.5.4.3'), der.utf8(commonName))));
}

function time(date: Date): der.Der {
  const { Class, Type } = forge.asn1;
  return forge.asn1.create(Class.UNIVERSAL, Type.UTCTIME, false, forge.asn1.dateToUtcTime(date));
}

function extensions({ ca = false, uris = [], dns = [], ips = [], usage }: Wish): der.Der {
  const extension = (id: string, value: der.Der): der.Der =>
    der.sequence(der.oid(id), der.octets(der.encode(value)));
  const address = (ip: string): string => String.fromCharCode(...ip.split('.').map(Number));
  const names = [
    ...uris.map((uri) => der.taggedText(6, uri)),
    ...dns.map((name) => der.taggedText(2, name)),
    ...ips.map((ip) => der.taggedText(7, address(ip))),
  ];
  return der.sequence(
    extension('2.5.29.19', der.sequence(...(ca ? [der.yes()] : []))),
    ...(usage === undefined ? [] : [extension('2.5.29.37', der.sequence(der.oid(USAGE[usage])))]),
    ...(names.length === 0 ? [] : [extension('2.5.29.17', der.sequence(...names))]),
  );
}
