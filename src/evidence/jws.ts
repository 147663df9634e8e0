import { sign, verify } from 'node:crypto';
import { decodeProtectedHeader, type ProtectedHeaderParameters } from 'jose';

import { EvidenceError } from '../errors.ts';
import type { Algorithm, Signer, VerifyingKey } from './keys.ts';

/**
 * JWS in compact form (RFC 7515). Keys and headers are jose's; the signature itself is a one-shot call of
 * `node:crypto`, which takes half the processor time of a WebCrypto job and no trip through the thread pool
 * (`docs/decisions/0007-one-shot-signatures.md`).
 */
const DIGEST: Readonly<Record<Algorithm, string | null>> = { ES256: 'sha256', EdDSA: null };

/** Both algorithms: R and S of ES256, or Ed25519's pair, of 32 octets each (RFC 7518, 3.4; RFC 8032). */
const SIGNATURE_OCTETS = 64;
const COMPACT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/;

export function signCompact(signer: Signer, typ: string, payload: string): string {
  const header = JSON.stringify({ alg: signer.alg, kid: signer.kid, typ });
  const input = `${base64url(header)}.${base64url(payload)}`;
  const key = { key: signer.key, dsaEncoding: 'ieee-p1363' } as const;
  return `${input}.${sign(DIGEST[signer.alg], Buffer.from(input), key).toString('base64url')}`;
}

/** The protected header, unverified: only good for finding the key. @throws EvidenceError `malformed` */
export function readHeader(token: string): ProtectedHeaderParameters {
  if (!COMPACT.test(token)) throw new EvidenceError('malformed');
  try {
    const header = decodeProtectedHeader(token);
    // RFC 7515, 4.1.11: an extension that must be understood, and none is.
    if (header.crit === undefined) return header;
  } catch (error) {
    throw new EvidenceError('malformed', undefined, { cause: error });
  }
  throw new EvidenceError('malformed', 'crit');
}

/**
 * Verifies the signature and gives the payload. One text alone is read for each part: base64url that decodes to
 * the same octets but is written differently is refused (RFC 4648, 3.5).
 *
 * @throws EvidenceError `malformed`, `bad-signature`
 */
export function verifyCompact(token: string, alg: Algorithm, key: VerifyingKey): Buffer {
  const end = token.lastIndexOf('.');
  const signature = canonical(token.slice(end + 1));
  const payload = canonical(token.slice(token.indexOf('.') + 1, end));
  const good =
    signature.length === SIGNATURE_OCTETS &&
    verify(DIGEST[alg], Buffer.from(token.slice(0, end)), { key, dsaEncoding: 'ieee-p1363' }, signature);
  if (!good) throw new EvidenceError('bad-signature');
  return payload;
}

function canonical(text: string): Buffer {
  const octets = Buffer.from(text, 'base64url');
  if (octets.toString('base64url') !== text) throw new EvidenceError('malformed', 'base64url');
  return octets;
}

function base64url(text: string): string {
  return Buffer.from(text).toString('base64url');
}
