import { createHash, type X509Certificate } from 'node:crypto';

import { expect, extensionsOf, oidOf, readDer, serialOf, TAG, within, type DerElement } from './der.ts';

/** What a certificate is, whatever the time: read once for each that is met, and never if it cannot be read. */
export interface CertificateFacts {
  /** As `serialOf` gives it. */
  readonly serial: string;
  /** DER of the subject's and of the issuer's name. */
  readonly subject: Buffer;
  /** SHA-256 over subject and public key: the same authority, in whichever of its certificates. */
  readonly authority: string;
  /** RSA of 2048 bits or more, EC on P-256, P-384 or P-521, or Ed25519. */
  readonly strongKey: boolean;
  /** Signed over SHA-256 or better. */
  readonly strongSignature: boolean;
  /** How many authorities may stand below this one (RFC 5280, 4.2.1.9). */
  readonly pathLength: number;
  /** False when its key usage leaves signing revocation lists out. */
  readonly signsLists: boolean;
  /** False when it carries a critical extension that nothing here understands. */
  readonly understood: boolean;
  /** DER of its name constraints (RFC 5280, 4.2.1.10). */
  readonly nameConstraints: Buffer | undefined;
}

const known = new WeakMap<X509Certificate, CertificateFacts>();

/** @throws NotDer */
export function factsOf(certificate: X509Certificate): CertificateFacts {
  let facts = known.get(certificate);
  if (facts === undefined) known.set(certificate, (facts = read(certificate)));
  return facts;
}

const EXTENSION = { basicConstraints: '2.5.29.19', keyUsage: '2.5.29.15', nameConstraints: '2.5.29.30' };
/** Also read, by Node or by OpenSSL: alternative names, extended key usage, certificate policies. */
const UNDERSTOOD = new Set([...Object.values(EXTENSION), '2.5.29.17', '2.5.29.37', '2.5.29.32']);
const CRL_SIGN = 0x02;

function read(certificate: X509Certificate): CertificateFacts {
  const [tbs] = within(readDer(certificate.raw, TAG.sequence));
  const fields = [...within(expect(tbs, TAG.sequence))].filter(({ tag }) => tag !== VERSION);
  const [serial, algorithm, , , subject, key] = fields;
  const list = fields.find(({ tag }) => tag === EXTENSIONS);
  const extensions = extensionsOf(list && readDer(list.content));
  const usage = extensions.get(EXTENSION.keyUsage)?.value;
  return {
    serial: serialOf(serial),
    subject: expect(subject, TAG.sequence).whole,
    authority: createHash('sha256')
      .update(expect(subject, TAG.sequence).whole)
      .update(expect(key, TAG.sequence).whole)
      .digest('base64url'),
    strongKey: hasStrongKey(certificate),
    strongSignature: isStrong(expect(algorithm, TAG.sequence)),
    pathLength: pathLengthOf(extensions.get(EXTENSION.basicConstraints)?.value),
    signsLists: usage === undefined || ((readDer(usage, TAG.bitString).content[1] ?? 0) & CRL_SIGN) !== 0,
    understood: [...extensions].every(([oid, { critical }]) => !critical || UNDERSTOOD.has(oid)),
    nameConstraints: extensions.get(EXTENSION.nameConstraints)?.value,
  };
}

/** Context tags of a TBSCertificate (RFC 5280, 4.1). */
const VERSION = 0xa0;
const EXTENSIONS = 0xa3;

const LEAST_RSA_BITS = 2048;
const CURVES = new Set(['prime256v1', 'secp384r1', 'secp521r1']);

function hasStrongKey(certificate: X509Certificate): boolean {
  try {
    const { asymmetricKeyType: kind, asymmetricKeyDetails: details } = certificate.publicKey;
    if (kind === 'rsa' || kind === 'rsa-pss') return (details?.modulusLength ?? 0) >= LEAST_RSA_BITS;
    return kind === 'ed25519' || (kind === 'ec' && CURVES.has(details?.namedCurve ?? ''));
  } catch {
    return false;
  }
}

/** How a signature is made, by the object identifier of its algorithm (RFC 3279, 4055, 5758, 8410). */
export const SIGNATURES: Readonly<Record<string, { key: string; hash: string | undefined }>> = {
  '1.2.840.113549.1.1.11': { key: 'rsa', hash: 'sha256' },
  '1.2.840.113549.1.1.12': { key: 'rsa', hash: 'sha384' },
  '1.2.840.113549.1.1.13': { key: 'rsa', hash: 'sha512' },
  '1.2.840.10045.4.3.2': { key: 'ec', hash: 'sha256' },
  '1.2.840.10045.4.3.3': { key: 'ec', hash: 'sha384' },
  '1.2.840.10045.4.3.4': { key: 'ec', hash: 'sha512' },
  '1.3.101.112': { key: 'ed25519', hash: undefined },
};
const RSA_PSS = '1.2.840.113549.1.1.10';
const SHA_2 = new Set(['2.16.840.1.101.3.4.2.1', '2.16.840.1.101.3.4.2.2', '2.16.840.1.101.3.4.2.3']);

function isStrong(algorithm: DerElement): boolean {
  const [id, parameters] = within(algorithm);
  const oid = oidOf(id);
  if (oid !== RSA_PSS) return oid in SIGNATURES;
  // RFC 4055, 3.1: the hash is the first parameter, and SHA-1 where it is left out.
  const [hash] = parameters === undefined ? [] : within(parameters);
  if (hash?.tag !== 0xa0) return false;
  const [name] = within(readDer(hash.content, TAG.sequence));
  return SHA_2.has(oidOf(name));
}

function pathLengthOf(basicConstraints: Buffer | undefined): number {
  if (basicConstraints === undefined) return Infinity;
  const length = [...within(readDer(basicConstraints, TAG.sequence))].find(({ tag }) => tag === TAG.integer);
  return length === undefined ? Infinity : parseInt(serialOf(length) || '0', 16);
}
