import { createHash } from 'node:crypto';

import type { PublicJwk } from './entity-statement.ts';

/** SHA-256 of the key's required members, in their order (RFC 7638), base64url. */
export function jwkThumbprint({ crv, kty, x, y }: PublicJwk): string {
  const members = kty === 'EC' ? { crv, kty, x, y } : { crv, kty, x };
  return createHash('sha256').update(JSON.stringify(members)).digest('base64url');
}
