import type { JsonWebKey } from 'node:crypto';
import { createPublicKey, generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';

import { jwkThumbprint } from './jwk-thumbprint.ts';

const generate = promisify(generateKeyPair);

/** `alg` of RFC 7518 and RFC 8037; EdDSA is always with Ed25519. */
export type SigningAlgorithm = 'ES256' | 'EdDSA';

/** A JWK that says which key it is and what it is for. */
export type NamedJwk = JsonWebKey & { readonly kid: string; readonly alg: SigningAlgorithm };

export interface SigningKey {
  readonly privateJwk: NamedJwk;
  readonly publicJwk: NamedJwk;
}

/** Makes a signing key as a pair of JWKs with `kid` (its RFC 7638 thumbprint), `alg` and `use`. */
export async function generateSigningKey(alg: SigningAlgorithm): Promise<SigningKey> {
  const { publicKey, privateKey } =
    alg === 'ES256' ? await generate('ec', { namedCurve: 'P-256' }) : await generate('ed25519');
  const publicJwk = publicKey.export({ format: 'jwk' });
  const description = { kid: jwkThumbprint(publicJwk), alg, use: 'sig' };
  return {
    publicJwk: { ...publicJwk, ...description },
    privateJwk: { ...privateKey.export({ format: 'jwk' }), ...description },
  };
}

/**
 * The public half of a private signing JWK, with its `kid`, `alg` and dates.
 *
 * @throws TypeError when there is no private key of a known kind in it; the message does not quote it
 */
export function publicHalf(privateJwk: object): NamedJwk {
  const { kid, alg, use, nbf, exp } = privateJwk as NamedJwk & { use?: string; nbf?: number; exp?: number };
  if (typeof kid !== 'string' || (alg !== 'ES256' && alg !== 'EdDSA')) throw new TypeError('no signing key');
  const dates = { ...(nbf === undefined ? {} : { nbf }), ...(exp === undefined ? {} : { exp }) };
  return { ...publicMembers(privateJwk as JsonWebKey), kid, alg, use: use ?? 'sig', ...dates };
}

function publicMembers(privateJwk: JsonWebKey): JsonWebKey {
  try {
    return createPublicKey({ key: privateJwk, format: 'jwk' }).export({ format: 'jwk' });
  } catch {
    // What Node says of it may quote the key.
    throw new TypeError('no signing key');
  }
}
