import type { X509Certificate } from 'node:crypto';

import { readDer, TAG, within, type DerElement } from './der.ts';
import { dnsNames, uriNames } from './peer-certificate.ts';

/** Tags of GeneralName (RFC 5280, 4.2.1.6) that a peer can be known by. */
const DNS = 0x82;
const URI = 0x86;
const PERMITTED = 0xa0;
const EXCLUDED = 0xa1;

/**
 * True when an authority's name constraints (RFC 5280, 4.2.1.10) allow every host name and every URI of a leaf: these
 * are all that a peer is known by here. What the constraints say of other forms of names is OpenSSL's to judge.
 *
 * @throws NotDer
 */
export function namesAreAllowed(leaf: X509Certificate, constraints: Buffer): boolean {
  const uris = uriNames(leaf.subjectAltName);
  const hosts = dnsNames(leaf.subjectAltName);
  if (uris === undefined || hosts === undefined) return false;
  const parts = [...within(readDer(constraints, TAG.sequence))];
  const trees = (part: number): readonly [tag: number, base: string][] =>
    parts.filter(({ tag }) => tag === part).flatMap(subtrees);
  const permitted = trees(PERMITTED);
  const excluded = trees(EXCLUDED);
  const allowed = (
    kind: number,
    host: string,
    isWithin: (host: string, base: string) => boolean,
  ): boolean => {
    const fits = ([tag, base]: readonly [number, string]): boolean => tag === kind && isWithin(host, base);
    const limited = permitted.some(([tag]) => tag === kind);
    return (!limited || permitted.some(fits)) && !excluded.some(fits);
  };
  return (
    hosts.every((host) => allowed(DNS, host, isHostWithin)) &&
    uris.every((uri) => allowed(URI, hostOf(uri), isUriHostWithin))
  );
}

function subtrees(part: DerElement): [number, string][] {
  return [...within(part)].map((subtree) => {
    const [base] = within(subtree);
    return [base?.tag ?? 0, (base?.content.toString('latin1') ?? '').toLowerCase()];
  });
}

/** A name that is no URL has no host: an empty one, which no permitted subtree but that of all hosts holds. */
function hostOf(uri: string): string {
  return URL.canParse(uri) ? new URL(uri).hostname.toLowerCase() : '';
}

function isHostWithin(host: string, base: string): boolean {
  const bare = base.replace(/^\./, '');
  return bare === '' || host === bare || host.endsWith(`.${bare}`);
}

/** For URIs a base without a point in front is that one host; with one, every host below it. */
function isUriHostWithin(host: string, base: string): boolean {
  return base === '' || (base.startsWith('.') ? host.endsWith(base) : host === base);
}
