import { hash } from 'node:crypto';

/** The members of a public EC or OKP key that its thumbprint covers. */
export interface ThumbprintMembers {
  readonly kty?: string | undefined;
  readonly crv?: string | undefined;
  readonly x?: string | undefined;
  readonly y?: string | undefined;
}

/**
 * SHA-256 of an EC or OKP key's required members, in their order, base64url (RFC 7638, RFC 8037 section 2).
 *
 * @throws TypeError for a key of another kind: what is left out of the digest would make two keys one
 */
export function jwkThumbprint({ crv, kty, x, y }: ThumbprintMembers): string {
  if ((kty !== 'EC' && kty !== 'OKP') || crv === undefined || x === undefined)
    throw new TypeError('EC or OKP');
  return hash('sha256', JSON.stringify(kty === 'EC' ? { crv, kty, x, y } : { crv, kty, x }), 'base64url');
}

/** Whether a key is among others by what it is, whatever its name. */
export function includesKey(keys: readonly ThumbprintMembers[], key: ThumbprintMembers): boolean {
  return keys.some((one) => jwkThumbprint(one) === jwkThumbprint(key));
}
