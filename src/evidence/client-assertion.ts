import { randomUUID } from 'node:crypto';
import { CompactSign, importJWK, type CryptoKey, type JWK } from 'jose';

/**
 * What an access token may be asked for with. SMART Backend Services wants RS384 or ES384, NHS England's API platform
 * RS512. These are for token
 * endpoints alone: what brokers and viewers sign has a list of its own (`keys.ts`).
 */
const ALGORITHMS = ['ES384', 'RS384', 'RS512', 'ES256', 'EdDSA'] as const;
type AssertionAlgorithm = (typeof ALGORITHMS)[number];

/** A private key that signs client assertions and nothing else. */
export interface AssertionSigner {
  readonly kid: string;
  readonly alg: AssertionAlgorithm;
  readonly key: CryptoKey;
}

/**
 * Imports a private JWK once, for all assertions.
 *
 * @throws TypeError when it has no `kid`, another algorithm, or no private part
 */
export async function importAssertionSigner(jwk: object): Promise<AssertionSigner> {
  const { kid, alg, d } = jwk as JWK;
  const allowed = ALGORITHMS.find((one) => one === alg);
  if (kid === undefined || allowed === undefined || d === undefined) {
    throw new TypeError(`a client's key needs kid, alg (${ALGORITHMS.join(', ')}), and its private part`);
  }
  return { kid, alg: allowed, key: (await importJWK(jwk as JWK, allowed)) as CryptoKey };
}

/** RFC 7523 client assertion: `iss` = `sub` = client id, `aud` = the token endpoint, one use, five minutes. */
export function signClientAssertion(
  { kid, alg, key }: AssertionSigner,
  clientId: string,
  audience: string,
  now: number,
): Promise<string> {
  const iat = Math.floor(now / 1000);
  const claims = { iss: clientId, sub: clientId, aud: audience, iat, exp: iat + 300, jti: randomUUID() };
  return new CompactSign(new TextEncoder().encode(JSON.stringify(claims)))
    .setProtectedHeader({ alg, kid, typ: 'JWT' })
    .sign(key);
}
