import type { X509Certificate } from 'node:crypto';

import { RequestError } from '../errors.ts';
import type { PeerCertificate } from './peer-certificate.ts';

/** Extended key usages (RFC 5280, 4.2.1.12). */
const USAGE = { client: '1.3.6.1.5.5.7.3.2', server: '1.3.6.1.5.5.7.3.1' } as const;

/** The one URI name that a certificate speaks for. @throws RequestError `certificate-unknown` if not one */
export function oneName(peer: PeerCertificate): string {
  const [uri, ...others] = peer.uris ?? [];
  if (uri === undefined || others.length > 0) throw new RequestError('certificate-unknown', 'one URI name');
  return uri;
}

/**
 * Judges a certificate against the anchors pinned for the party that it names: usage, chain and dates.
 *
 * @param at milliseconds since the epoch
 * @throws RequestError `certificate-unknown`, `certificate-expired`
 */
export function judgeCertificate(
  peer: PeerCertificate,
  anchors: readonly X509Certificate[],
  role: 'client' | 'server',
  at: number,
): void {
  if (!peer.leaf.keyUsage?.includes(USAGE[role])) throw new RequestError('certificate-unknown', 'key usage');
  if (!chainsTo(peer, anchors, at)) throw new RequestError('certificate-unknown', 'anchor');
  if (!validAt(peer.leaf, at)) throw new RequestError('certificate-expired');
}

function validAt(certificate: X509Certificate, at: number): boolean {
  return certificate.validFromDate.getTime() <= at && at <= certificate.validToDate.getTime();
}

/** Signatures never change for the same pair of certificates, so each is computed once; dates every time. */
const issued = new WeakMap<X509Certificate, WeakMap<X509Certificate, boolean>>();

function chainsTo(peer: PeerCertificate, anchors: readonly X509Certificate[], at: number): boolean {
  let certificate = peer.leaf;
  for (const next of [...peer.issuers, undefined]) {
    if (anchors.some((anchor) => isIssuedBy(certificate, anchor) && validAt(anchor, at))) return true;
    if (next === undefined || !isIssuedBy(certificate, next) || !validAt(next, at)) return false;
    certificate = next;
  }
  return false;
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  let verdicts = issued.get(certificate);
  if (verdicts === undefined) issued.set(certificate, (verdicts = new WeakMap()));
  let verdict = verdicts.get(issuer);
  if (verdict === undefined) {
    verdict = issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
    verdicts.set(issuer, verdict);
  }
  return verdict;
}
