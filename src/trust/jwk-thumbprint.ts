import { hash } from 'node:crypto';

/** The members of a public EC or OKP key that its thumbprint covers. */
export interface ThumbprintMembers {
  readonly kty?: string | undefined;
  readonly crv?: string | undefined;
  readonly x?: string | undefined;
  readonly y?: string | undefined;
}

/** SHA-256 of an EC or OKP key's required members, in their order, base64url (RFC 7638, RFC 8037 section 2). */
export function jwkThumbprint({ crv, kty, x, y }: ThumbprintMembers): string {
  return hash('sha256', JSON.stringify(kty === 'EC' ? { crv, kty, x, y } : { crv, kty, x }), 'base64url');
}
