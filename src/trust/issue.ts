import { X509Certificate } from 'node:crypto';

import type { Credential } from './certificate.ts';
import { signCertificate } from './certificate.ts';

export type { Credential } from './certificate.ts';

/** What a new authority is called and how long it is in force. */
export interface AuthorityRequest {
  readonly name: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** Whom a new leaf names, what it is for and how long it is in force. */
export interface LeafRequest {
  readonly commonName: string;
  /** The holder's identifier: the leaf's one URI name, which is what a relying party goes by. */
  readonly uri: string;
  /** Host names and addresses, for clients that know a server by these. */
  readonly dns?: readonly string[];
  readonly ip?: readonly string[];
  readonly usage: 'server' | 'client';
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/**
 * Issues a self-signed X.509 authority that signs leaves only (path length 0) and revocation lists: RSA 2048,
 * SHA-256, RFC 5280.
 */
export function issueAuthority({ name, notBefore, notAfter }: AuthorityRequest): Promise<Credential> {
  return signCertificate({ commonName: name, notBefore, notAfter, authority: true });
}

/**
 * Issues a TLS leaf: RSA 2048, SHA-256, exactly one URI name, one extended key usage, and a key that may only
 * sign (TLS 1.3 needs no more).
 *
 * @throws TypeError if the authority is not one, or would end before the leaf does.
 */
export async function issueLeaf(authority: Credential, request: LeafRequest): Promise<Credential> {
  const issuer = new X509Certificate(authority.certificate);
  if (!issuer.ca) throw new TypeError('A leaf needs an authority as its issuer; this certificate is a leaf.');
  if (request.notAfter > issuer.validToDate) throw new TypeError('A leaf must not outlive its authority.');
  const { uri, ...rest } = request;
  return signCertificate({ ...rest, uris: [uri], authority: false }, authority);
}
