import type { X509Certificate } from 'node:crypto';
import { createHash } from 'node:crypto';
import type { TLSSocket } from 'node:tls';

import { certificatesIn } from './certificates-in.ts';

/** A certificate that the other end of an open TLS connection proved to hold. */
export interface PeerCertificate {
  readonly leaf: X509Certificate;
  /** What came with the leaf, in the order in which it was sent, each once. */
  readonly issuers: readonly X509Certificate[];
  /** RFC 8705 `x5t#S256`: base64url SHA-256 of the DER certificate. */
  readonly thumbprint: string;
  /** URI subject alternative names, in order; undefined when the list cannot be read without doubt. */
  readonly uris: readonly string[] | undefined;
}

/** More than any path needs: what a peer sends beyond that is not looked at. */
const MOST_ISSUERS = 6;
const read = new WeakMap<TLSSocket, PeerCertificate>();

/**
 * The certificate of the other end, or undefined when it gave none. Parsed once per connection (the
 * certificate of a TLS 1.3 connection cannot change); it is judged anew on every request.
 */
export function peerCertificateOf(socket: TLSSocket): PeerCertificate | undefined {
  const known = read.get(socket);
  if (known !== undefined) return known;
  const leaf = socket.getPeerX509Certificate();
  if (leaf === undefined) return undefined;
  const issuers: X509Certificate[] = [];
  const seen = new Set([leaf.fingerprint256]);
  for (let next = leaf.issuerCertificate; next !== undefined && issuers.length < MOST_ISSUERS;) {
    if (seen.has(next.fingerprint256)) break;
    seen.add(next.fingerprint256);
    issuers.push(next);
    next = next.issuerCertificate;
  }
  const peer = { leaf, issuers, thumbprint: thumbprintOf(leaf), uris: uriNames(leaf.subjectAltName) };
  read.set(socket, peer);
  return peer;
}

const shown = new WeakMap<TLSSocket, string>();

/**
 * The thumbprint of the certificate that we showed on a connection, which stays when ours is another by now.
 *
 * @returns undefined for a connection that was closed before
 */
export function shownThumbprint(socket: TLSSocket): string | undefined {
  const known = shown.get(socket);
  if (known !== undefined) return known;
  const own = socket.getX509Certificate();
  if (own === undefined) return undefined;
  const thumbprint = thumbprintOf(own);
  shown.set(socket, thumbprint);
  return thumbprint;
}

/** RFC 8705 `x5t#S256` of a certificate. */
export function thumbprintOf(certificate: X509Certificate): string {
  return createHash('sha256').update(certificate.raw).digest('base64url');
}

/** The URI names of a subjectAltName; undefined when the list cannot be read without doubt. */
export function uriNames(subjectAltName: string | undefined): string[] | undefined {
  return namesOf('URI:', subjectAltName);
}

/** The host names of a subjectAltName, in lower case; undefined when the list cannot be read without doubt. */
export function dnsNames(subjectAltName: string | undefined): string[] | undefined {
  return namesOf('DNS:', subjectAltName)?.map((name) => name.toLowerCase());
}

/** The IP addresses of a subjectAltName, in the one form that Node gives each; undefined as above. */
export function ipNames(subjectAltName: string | undefined): string[] | undefined {
  return namesOf('IP Address:', subjectAltName);
}

/**
 * Reads OpenSSL's text form. Node quotes a name that holds a comma or other special characters (CVE-2021-44532); such
 * a list is not read at all rather than read wrongly.
 */
function namesOf(
  kind: 'URI:' | 'DNS:' | 'IP Address:',
  subjectAltName: string | undefined,
): string[] | undefined {
  if (subjectAltName === undefined) return [];
  if (subjectAltName.includes('"')) return undefined;
  return subjectAltName
    .split(', ')
    .filter((name) => name.startsWith(kind))
    .map((name) => name.slice(kind.length));
}

/** A chain of ours as the other end of a connection would meet it: PEM, the leaf first; undefined when it is none. */
export function peerCertificateIn(pem: string): PeerCertificate | undefined {
  try {
    const [leaf, ...issuers] = certificatesIn(pem);
    if (leaf === undefined) return undefined;
    return { leaf, issuers, thumbprint: thumbprintOf(leaf), uris: uriNames(leaf.subjectAltName) };
  } catch {
    return undefined;
  }
}
