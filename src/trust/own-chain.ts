import type { X509Certificate } from 'node:crypto';

import { MaterialError } from '../errors.ts';
import { isStrongKey, isStronglySigned, keyWords } from './key-strength.ts';
import { uriNames } from './peer-certificate.ts';

/** Whom a certificate of ours must name, and what for. */
export interface OwnRole {
  /** Our entity identifier. */
  readonly entity: string;
  readonly usage: 'server' | 'client';
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** Extended key usages (RFC 5280, 4.2.1.12). */
const USAGE = { client: '1.3.6.1.5.5.7.3.2', server: '1.3.6.1.5.5.7.3.1' } as const;

/**
 * Puts certificates in order, the leaf first and each followed by its issuer, and wants all of them to belong.
 *
 * @param anchors certificates that the chain may end below without holding them
 * @throws MaterialError `no-certificate`, `leaf-missing`, `several-leaves`, `issuer-missing`, `foreign-certificate`
 */
export function orderChain(
  given: readonly X509Certificate[],
  anchors: readonly X509Certificate[],
  file: string,
): X509Certificate[] {
  const all = [...new Map(given.map((one) => [one.fingerprint256, one])).values()];
  if (all.length === 0)
    throw new MaterialError('no-certificate', `${file} holds no certificate: get the chain.`);
  const chain = [theLeaf(all, file)];
  const left = new Set(all.filter((one) => one !== chain[0]));
  for (let last = chain[0]; last !== undefined && !isIssuedBy(last, last);) {
    const below = last;
    const issuer = [...left].find((one) => isIssuedBy(below, one));
    if (issuer === undefined) {
      if (anchors.some((anchor) => isIssuedBy(below, anchor))) break;
      throw new MaterialError(
        'issuer-missing',
        `${file} does not hold the issuer of ${nameOf(below)}, which is named ${oneLine(below.issuer)}: ` +
          'add its certificate to the file, or name the authority with --anchor.',
      );
    }
    chain.push(issuer);
    left.delete(issuer);
    last = issuer;
  }
  const [foreign] = left;
  if (foreign === undefined) return chain;
  throw new MaterialError(
    'foreign-certificate',
    `${file} holds ${nameOf(foreign)}, which is no part of the chain of ${nameOf(chain[0])}: take it out.`,
  );
}

function theLeaf(all: readonly X509Certificate[], file: string): X509Certificate {
  const [leaf, ...others] = all.filter((one) => !one.ca);
  if (leaf === undefined) {
    throw new MaterialError(
      'leaf-missing',
      `${file} holds authorities only: add the certificate that was issued for our key.`,
    );
  }
  if (others.length === 0) return leaf;
  throw new MaterialError(
    'several-leaves',
    `${file} holds ${others.length + 1} certificates that are no authority's: leave the one for our key.`,
  );
}

/**
 * Judges a chain that is in order as one of our own, before anybody sees it: name, usage, dates, keys, signatures.
 *
 * @throws MaterialError `name-missing`, `name-foreign`, `usage-wrong`, `expired`, `not-yet-valid`, `weak-key`,
 *   `weak-signature`
 */
export function judgeOwnChain(
  chain: readonly X509Certificate[],
  { entity, usage, at }: OwnRole,
  file: string,
): void {
  const [leaf] = chain;
  if (leaf === undefined) throw new TypeError('a chain has a leaf');
  const wrong = (code: MaterialError['code'], says: string): never => {
    throw new MaterialError(code, `${file}: ${says}.`);
  };
  const uris = uriNames(leaf.subjectAltName) ?? [];
  if (uris.length === 0) {
    wrong('name-missing', `${nameOf(leaf)} has no URI name: ask for one with ${entity} (\`trust csr\` does)`);
  }
  if (uris.length > 1 || uris[0] !== entity) {
    wrong('name-foreign', `${nameOf(leaf)} does not name us alone: its one URI name must be ${entity}`);
  }
  if (!leaf.keyUsage?.includes(USAGE[usage])) {
    wrong('usage-wrong', `${nameOf(leaf)} is not for ${usage}s: ask for the usage ${usage}Auth`);
  }
  for (const one of chain) {
    if (at > one.validToDate.getTime())
      wrong('expired', `${nameOf(one)} ended on ${dayOf(one.validToDate)}: get one in force`);
    if (at < one.validFromDate.getTime())
      wrong('not-yet-valid', `${nameOf(one)} begins on ${dayOf(one.validFromDate)}: import it then`);
    if (!isStrongKey(one.publicKey))
      wrong('weak-key', `${nameOf(one)} has a key that is too weak (${keyWords(one.publicKey)})`);
    // Nobody relies on the signature of an authority under itself.
    if (!isIssuedBy(one, one) && !isStronglySigned(one))
      wrong('weak-signature', `${nameOf(one)} is not signed with SHA-256 or longer: have it issued anew`);
  }
}

/** Whether a chain ends at one of these anchors, holding it or not. */
export function endsAt(chain: readonly X509Certificate[], anchors: readonly X509Certificate[]): boolean {
  return chain.some((one) =>
    anchors.some((anchor) => anchor.fingerprint256 === one.fingerprint256 || isIssuedBy(one, anchor)),
  );
}

/** The authority that a chain holds at its end, if it holds one that stands by itself. */
export function anchorIn(chain: readonly X509Certificate[]): X509Certificate | undefined {
  const last = chain.at(-1);
  return last !== undefined && last.ca && isIssuedBy(last, last) ? last : undefined;
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

/** A certificate by its subject, as people know it. */
export function nameOf(certificate: X509Certificate | undefined): string {
  return `the certificate ${oneLine(certificate?.subject ?? '')}`;
}

/** OpenSSL writes a name on several lines; and it came from outside. */
function oneLine(name: string): string {
  const text = name.replaceAll('\n', ', ').replaceAll(/\p{C}/gu, '?').slice(0, 200);
  return text === '' ? 'without a subject' : `"${text}"`;
}

function dayOf(date: Date): string {
  return date.toISOString().slice(0, 10);
}
