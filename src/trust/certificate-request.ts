import { createPublicKey, sign, type KeyObject } from 'node:crypto';

import { MaterialError } from '../errors.ts';
import * as der from './der-writing.ts';
import { addressOctets, addressText } from './ip-address.ts';
import { isStrongKey, keyWords } from './key-strength.ts';

/** What a broker asks a certification authority for. */
export interface CertificateWish {
  readonly commonName: string;
  /** Our entity identifier: the one URI name, by which neighbours know us. */
  readonly uri: string;
  readonly dns: readonly string[];
  /** IPv4 or IPv6. */
  readonly ips: readonly string[];
  readonly usage: 'server' | 'client';
}

/**
 * A certification request (PKCS#10, RFC 2986) as PEM, signed by the key it is for: RSA with SHA-256, EC with the digest
 * of its curve. Key usage, extended key usage and names are asked for as extensions (RFC 2985, `extensionRequest`).
 *
 * @throws MaterialError `weak-key`, `bad-name`
 */
export function certificateRequest(key: KeyObject, wish: CertificateWish): string {
  if (!isStrongKey(key)) {
    throw new MaterialError(
      'weak-key',
      `The key (${keyWords(key)}) is none that neighbours take: use RSA of 2048 bits or more, EC P-256 or EC P-384.`,
    );
  }
  for (const name of wish.dns) checkHostName(name);
  for (const ip of wish.ips) checkAddress(ip);
  const info = der.sequence(
    der.integer(0),
    subject(wish.commonName),
    der.decode(createPublicKey(key).export({ format: 'der', type: 'spki' })),
    der.taggedSet(0, der.sequence(der.oid(EXTENSION_REQUEST), der.set(extensions(wish)))),
  );
  const { algorithm, digest } = signatureOf(key);
  const signature = sign(digest, der.encode(info), { key, dsaEncoding: 'der' });
  return der.pemText(
    'CERTIFICATE REQUEST',
    der.encode(der.sequence(info, der.sequence(...algorithm), der.bits(signature))),
  );
}

const EXTENSION_REQUEST = '1.2.840.113549.1.9.14';
const COMMON_NAME = '2.5.4.3';
const USAGE = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' } as const;
/** Tags of GeneralName, RFC 5280 section 4.2.1.6. */
const GENERAL_NAME = { dns: 2, uri: 6, ip: 7 } as const;

function subject(commonName: string): der.Der {
  return der.sequence(der.set(der.sequence(der.oid(COMMON_NAME), der.utf8(commonName))));
}

function extensions({ uri, dns, ips, usage }: CertificateWish): der.Der {
  const names = [
    der.taggedText(GENERAL_NAME.uri, uri),
    ...dns.map((name) => der.taggedText(GENERAL_NAME.dns, name)),
    ...ips.map((ip) => der.taggedText(GENERAL_NAME.ip, addressText(ip))),
  ];
  const extension = (id: string, value: der.Der, critical = false): der.Der =>
    der.sequence(der.oid(id), ...(critical ? [der.yes()] : []), der.octets(der.encode(value)));
  return der.sequence(
    // digitalSignature alone: TLS 1.3 needs no more.
    extension('2.5.29.15', der.bits(Buffer.of(0x80), 7), true),
    extension('2.5.29.37', der.sequence(der.oid(USAGE[usage]))),
    extension('2.5.29.17', der.sequence(...names)),
  );
}

function signatureOf(key: KeyObject): { algorithm: der.Der[]; digest: string } {
  if (key.asymmetricKeyType === 'rsa') {
    return { algorithm: [der.oid('1.2.840.113549.1.1.11'), der.nothing()], digest: 'sha256' };
  }
  return key.asymmetricKeyDetails?.namedCurve === 'secp384r1'
    ? { algorithm: [der.oid('1.2.840.10045.4.3.3')], digest: 'sha384' }
    : { algorithm: [der.oid('1.2.840.10045.4.3.2')], digest: 'sha256' };
}

const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i;

/** @throws MaterialError `bad-name` for what is no host name (RFC 1123), a wildcard among them */
export function checkHostName(name: string): void {
  if (name.length <= 253 && name.split('.').every((label) => LABEL.test(label))) return;
  throw new MaterialError(
    'bad-name',
    `${JSON.stringify(name)} is no host name: write one as broker.example.nhs.uk.`,
  );
}

/** @throws MaterialError `bad-name` for what is no IP address */
export function checkAddress(ip: string): void {
  if (addressOctets(ip) !== undefined) return;
  throw new MaterialError('bad-name', `${JSON.stringify(ip)} is no IP address: write one as 10.1.2.3.`);
}
