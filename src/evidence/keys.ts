import { KeyObject } from 'node:crypto';
import { importJWK, type CryptoKey, type JWK } from 'jose';

/** The signature algorithms between brokers and from viewers (RFC 7518, RFC 8037). */
export const ALGORITHMS = ['ES256', 'EdDSA'] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

/** A private key that signs one kind of message. */
export interface Signer {
  readonly kid: string;
  readonly alg: Algorithm;
  readonly key: KeyObject;
}

/**
 * Imports a private JWK once, for all that it will sign.
 *
 * @throws TypeError when it has no `kid`, another algorithm, or no private part
 */
export async function importSigner(jwk: object): Promise<Signer> {
  const { kid, alg, d } = jwk as JWK;
  if (kid === undefined || !isAlgorithm(alg) || d === undefined) {
    throw new TypeError('a signing key needs kid, alg ES256 or EdDSA, and its private part');
  }
  return { kid, alg, key: await importKey(jwk, alg) };
}

export function isAlgorithm(alg: unknown): alg is Algorithm {
  return ALGORITHMS.includes(alg as Algorithm);
}

/** A JSON Web Key as it came from a statement or a registration: public, with its pinned algorithm. */
export interface PinnedKey {
  readonly kid: string;
  readonly alg: Algorithm;
}

export type VerifyingKey = KeyObject;

const imported = new WeakMap<object, Promise<VerifyingKey>>();

/** The verifying form of a pinned public key, imported once per key object. */
export function verifyingKey(jwk: PinnedKey): Promise<VerifyingKey> {
  let key = imported.get(jwk);
  if (key === undefined) imported.set(jwk, (key = importKey(jwk, jwk.alg)));
  return key;
}

/** jose checks that the key is of the algorithm's type and curve. */
async function importKey(jwk: JWK, alg: Algorithm): Promise<KeyObject> {
  return KeyObject.from((await importJWK(jwk, alg, { extractable: true })) as CryptoKey);
}
