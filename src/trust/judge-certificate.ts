import type { X509Certificate } from 'node:crypto';

import { RequestError, type RequestCode } from '../errors.ts';
import { factsOf } from './certificate-facts.ts';
import { pathsTo, type CertificatePath } from './certificate-path.ts';
import { namesAreAllowed } from './name-constraints.ts';
import type { PeerCertificate } from './peer-certificate.ts';
import { revocationFault, type RevocationLists } from './revocation.ts';

/** Extended key usages (RFC 5280, 4.2.1.12). */
const USAGE = { client: '1.3.6.1.5.5.7.3.2', server: '1.3.6.1.5.5.7.3.1' } as const;
const ANY_USAGE = '2.5.29.37.0';

/** Which check failed, and at which certificate of the path. */
export interface CertificateFault {
  readonly code: RequestCode;
  readonly at: 'leaf' | 'issuer' | 'anchor';
}

/**
 * Judges a certificate against the anchors pinned for the party that it names. In this order: extended key usage,
 * a path to an anchor, and of the path: constraints, keys, signatures, dates, revocation. One path that passes is
 * enough, so that an authority may renew its own certificate; where none does the first one's fault is told.
 *
 * @param at milliseconds since the epoch
 * @param lists the revocation lists held for that party; without any, revocation is not looked for
 * @throws RequestError `certificate-usage`, `certificate-chain`, `certificate-weak-key`,
 *   `certificate-weak-signature`, `certificate-not-yet-valid`, `certificate-expired`, `certificate-revoked`,
 *   `crl-too-old`; its detail is the certificate at fault: leaf, issuer or anchor
 */
export function judgeCertificate(
  peer: PeerCertificate,
  anchors: readonly X509Certificate[],
  role: 'client' | 'server',
  at: number,
  lists?: RevocationLists,
): void {
  if (!peer.leaf.keyUsage?.includes(USAGE[role])) throw new RequestError('certificate-usage', 'leaf');
  let first: CertificateFault | undefined;
  for (const path of pathsTo(peer, anchors)) {
    const fault = faultOf(path, role, at, lists);
    if (fault === undefined) return;
    first ??= fault;
  }
  throw first === undefined
    ? new RequestError('certificate-chain', 'anchor')
    : new RequestError(first.code, first.at);
}

function faultOf(
  path: CertificatePath,
  role: 'client' | 'server',
  at: number,
  lists: RevocationLists | undefined,
): CertificateFault | undefined {
  try {
    const checks = [constraintFault, usageFault, strengthFault, dateFault] as const;
    for (const check of checks) {
      for (let position = path.length - 1; position >= 0; position -= 1) {
        const code = check(path, position, { role, at });
        if (code !== undefined) return { code, at: placeOf(path, position) };
      }
    }
    const revoked = lists && revocationFault(path, lists, at);
    return revoked && { code: revoked.code, at: placeOf(path, revoked.position) };
  } catch {
    // A certificate that OpenSSL can read and this cannot is not understood, and so not believed.
    return { code: 'certificate-chain', at: 'issuer' };
  }
}

function placeOf(path: CertificatePath, position: number): CertificateFault['at'] {
  return position === 0 ? 'leaf' : position === path.length - 1 ? 'anchor' : 'issuer';
}

interface Judging {
  readonly role: 'client' | 'server';
  readonly at: number;
}

type Check = (path: CertificatePath, position: number, judging: Judging) => RequestCode | undefined;

/** Path length, name constraints, and critical extensions that nobody here understands. */
const constraintFault: Check = (path, position) => {
  const facts = factsOf(at(path, position));
  const tooLong = position > 0 && position - 1 > facts.pathLength;
  const forbidden = facts.nameConstraints && !namesAreAllowed(path[0], facts.nameConstraints);
  return tooLong || forbidden || !facts.understood ? 'certificate-chain' : undefined;
};

/** An authority between that says what it is for must allow the role; the leaf must say it, and has. */
const usageFault: Check = (path, position, { role }) => {
  const usages = at(path, position).keyUsage as readonly string[] | undefined;
  const between = position > 0 && position < path.length - 1;
  if (!between || usages === undefined) return undefined;
  return usages.includes(USAGE[role]) || usages.includes(ANY_USAGE) ? undefined : 'certificate-usage';
};

/** An anchor's own signature proves nothing, and so need not be strong: its key is what is pinned. */
const strengthFault: Check = (path, position) => {
  const { strongKey, strongSignature } = factsOf(at(path, position));
  if (!strongKey) return 'certificate-weak-key';
  return strongSignature || position === path.length - 1 ? undefined : 'certificate-weak-signature';
};

const dateFault: Check = (path, position, judging) => {
  const { validFromDate, validToDate } = at(path, position);
  if (judging.at < validFromDate.getTime()) return 'certificate-not-yet-valid';
  return judging.at > validToDate.getTime() ? 'certificate-expired' : undefined;
};

function at(path: CertificatePath, position: number): X509Certificate {
  return path[position] ?? path[0];
}
