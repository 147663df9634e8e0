import { randomUUID } from 'node:crypto';

import type { Signer } from './keys.ts';
import { signMessage } from './message.ts';

/** RFC 7523 client assertion: `iss` = `sub` = client id, `aud` = the token endpoint, one use, five minutes. */
export async function signClientAssertion(
  signer: Signer,
  clientId: string,
  audience: string,
  now: number,
): Promise<string> {
  const iat = Math.floor(now / 1000);
  const claims = { iss: clientId, sub: clientId, aud: audience, iat, exp: iat + 300, jti: randomUUID() };
  return (await signMessage(signer, 'JWT', claims)).token;
}
