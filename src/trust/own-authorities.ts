import type { X509Certificate } from 'node:crypto';

import { MaterialError } from '../errors.ts';
import { isStrongKey, keyWords } from './key-strength.ts';
import { nameOf } from './own-chain.ts';

/**
 * Judges an authority before our statement lists it.
 *
 * @param at milliseconds since the epoch
 * @throws MaterialError `expired`, `not-yet-valid`, `weak-key`
 */
export function judgeAuthority(authority: X509Certificate, at: number): void {
  const { validFromDate: from, validToDate: to, publicKey } = authority;
  const name = nameOf(authority);
  if (at > to.getTime()) throw new MaterialError('expired', `${name} has ended: get one in force.`);
  if (at < from.getTime())
    throw new MaterialError('not-yet-valid', `${name} is not valid yet: list it when it is.`);
  if (!isStrongKey(publicKey))
    throw new MaterialError('weak-key', `${name} has a key that is too weak (${keyWords(publicKey)}).`);
}

/**
 * The authorities among some that a fingerprint names: SHA-256 of the certificate in hexadecimal, with or without what
 * tools put between the digits.
 */
export function byFingerprint(
  authorities: readonly X509Certificate[],
  fingerprint: string,
): X509Certificate | undefined {
  const digits = bare(fingerprint);
  return authorities.find(({ fingerprint256 }) => bare(fingerprint256) === digits);
}

function bare(text: string): string {
  return text.replaceAll(/[\s:]/g, '').toLowerCase();
}
