import type { KeyObject, X509Certificate } from 'node:crypto';

/** NIST curves by OpenSSL's name. */
const CURVES: Readonly<Record<string, string>> = { prime256v1: 'P-256', secp384r1: 'P-384' };
const SMALLEST_RSA_BITS = 2048;

/**
 * Signature algorithms of certificates (RFC 4055, RFC 5758) that are believed: SHA-256 or longer. RSASSA-PSS is not among
 * them: its identifier alone does not say which digest it goes with.
 */
const STRONG_SIGNATURES: ReadonlySet<string> = new Set([
  '1.2.840.113549.1.1.11',
  '1.2.840.113549.1.1.12',
  '1.2.840.113549.1.1.13',
  '1.2.840.10045.4.3.2',
  '1.2.840.10045.4.3.3',
  '1.2.840.10045.4.3.4',
]);

/** A TLS key in words, as `RSA 2048` or `EC P-256`. */
export function keyWords(key: KeyObject): string {
  const { modulusLength, namedCurve = '' } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'rsa') return `RSA ${modulusLength ?? '?'}`;
  if (key.asymmetricKeyType === 'ec') return `EC ${CURVES[namedCurve] ?? namedCurve}`;
  return key.asymmetricKeyType ?? 'unknown';
}

/** Whether a TLS key is one that we take: RSA of 2048 bits or more, or EC on P-256 or P-384. */
export function isStrongKey(key: KeyObject): boolean {
  const { modulusLength = 0, namedCurve = '' } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'rsa') return modulusLength >= SMALLEST_RSA_BITS;
  return key.asymmetricKeyType === 'ec' && namedCurve in CURVES;
}

/** Whether a certificate was signed with SHA-256 or longer. An algorithm that cannot be told is weak. */
export function isStronglySigned({ signatureAlgorithmOid: oid }: X509Certificate): boolean {
  return oid !== undefined && STRONG_SIGNATURES.has(oid);
}
