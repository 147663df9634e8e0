import type { X509Certificate } from 'node:crypto';

import type { PeerCertificate } from './peer-certificate.ts';

/** From the leaf to the anchor, each issued by the next. */
export type CertificatePath = readonly [X509Certificate, ...X509Certificate[]];

/** How many authorities may stand between a leaf and its anchor. */
const MOST_BETWEEN = 3;

/**
 * Every path from the leaf to one of the anchors, by names and signatures alone (RFC 5280, 6.1), shortest issuers
 * first. What came with the leaf may stand in any order and hold what is not needed, as RFC 8446, 4.4.2 lets it.
 */
export function* pathsTo(
  { leaf, issuers }: Pick<PeerCertificate, 'leaf' | 'issuers'>,
  anchors: readonly X509Certificate[],
): Generator<CertificatePath, undefined> {
  const open: CertificatePath[] = [[leaf]];
  for (let path = open.shift(); path !== undefined; path = open.shift()) {
    const last = path.at(-1) ?? leaf;
    for (const anchor of anchors) if (isIssuedBy(last, anchor)) yield [...path, anchor];
    if (path.length > MOST_BETWEEN) continue;
    for (const next of issuers) {
      if (!path.includes(next) && isIssuedBy(last, next)) open.push([...path, next]);
    }
  }
}

/** Signatures never change for the same pair of certificates, so each is computed once; dates every time. */
const issued = new WeakMap<X509Certificate, WeakMap<X509Certificate, boolean>>();

/** True when `issuer` is an authority, is named as the issuer, and its key made the signature. */
export function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  let verdicts = issued.get(certificate);
  if (verdicts === undefined) issued.set(certificate, (verdicts = new WeakMap()));
  let verdict = verdicts.get(issuer);
  if (verdict === undefined) verdicts.set(issuer, (verdict = judgePair(certificate, issuer)));
  return verdict;
}

function judgePair(certificate: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
  } catch {
    // A key of a kind that OpenSSL cannot read proves nothing.
    return false;
  }
}
