import type { JsonWebKey } from 'node:crypto';
import { createHash, generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';

const generate = promisify(generateKeyPair);

/** `alg` of RFC 7518 and RFC 8037; EdDSA is always with Ed25519. */
export type SigningAlgorithm = 'ES256' | 'EdDSA';

export interface SigningKey {
  readonly privateJwk: JsonWebKey;
  readonly publicJwk: JsonWebKey;
}

/** Makes a signing key as a pair of JWKs with `kid`, `alg` and `use`. */
export async function generateSigningKey(alg: SigningAlgorithm): Promise<SigningKey> {
  const { publicKey, privateKey } =
    alg === 'ES256' ? await generate('ec', { namedCurve: 'P-256' }) : await generate('ed25519');
  const publicJwk = publicKey.export({ format: 'jwk' });
  const description = { kid: thumbprint(publicJwk), alg, use: 'sig' };
  return {
    publicJwk: { ...publicJwk, ...description },
    privateJwk: { ...privateKey.export({ format: 'jwk' }), ...description },
  };
}

/** SHA-256 thumbprint of an EC or OKP key, base64url (RFC 7638 section 3.2, RFC 8037 section 2). */
export function thumbprint({ kty, crv, x, y }: JsonWebKey): string {
  const required = kty === 'EC' ? { crv, kty, x, y } : { crv, kty, x };
  return createHash('sha256').update(JSON.stringify(required)).digest('base64url');
}
