import type { X509Certificate } from 'node:crypto';

import { factsOf } from './certificate-facts.ts';
import type { CertificatePath } from './certificate-path.ts';
import type { Crl } from './crl.ts';

/** The revocation lists that are held for one party, as they are at the moment. */
export interface RevocationLists {
  /** What to do while a list that is needed is too old, or none is held: refuse, or accept and show it. */
  readonly whenOld: 'refuse' | 'warn';
  /** For how long after its next update a list is still good. */
  readonly graceMs: number;
  /** The newest list that the authority of this certificate has signed, if one is held. */
  by(issuer: X509Certificate): Crl | undefined;
}

/**
 * Looks for every certificate below the anchor in its own issuer's list. One that is listed is revoked, however old the
 * list is. An issuer without a list is one whose list is too old: nobody knows what it would say.
 */
export function revocationFault(
  path: CertificatePath,
  lists: RevocationLists,
  at: number,
): { code: 'certificate-revoked' | 'crl-too-old'; position: number } | undefined {
  let old: number | undefined;
  for (let position = path.length - 2; position >= 0; position -= 1) {
    const [certificate, issuer] = [path[position], path[position + 1]];
    if (certificate === undefined || issuer === undefined) continue;
    const list = lists.by(issuer);
    if (list?.revoked.has(factsOf(certificate).serial)) return { code: 'certificate-revoked', position };
    if (list === undefined || isTooOld(list, lists.graceMs, at)) old ??= position;
  }
  return old === undefined || lists.whenOld === 'warn' ? undefined : { code: 'crl-too-old', position: old };
}

/** @param at milliseconds since the epoch */
export function isTooOld({ nextUpdate }: Pick<Crl, 'nextUpdate'>, graceMs: number, at: number): boolean {
  return at > nextUpdate + graceMs;
}
