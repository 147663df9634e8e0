import type { ProtectedHeaderParameters } from 'jose';
import type { z } from 'zod';

import { EvidenceError } from '../errors.ts';
import { readableId } from './claims.ts';
import { sha256 } from './digests.ts';
import { readHeader, signCompact, verifyCompact } from './jws.ts';
import { isAlgorithm, verifyingKey, type PinnedKey, type Signer } from './keys.ts';

/** A message may live this many seconds from `iat` to `exp`. */
export const LONGEST_LIFE_S = 60;
/** `iat` may be this far from the receiver's clock, either way. */
export const CLOCK_TOLERANCE_S = 30;

export interface SignedMessage {
  readonly token: string;
  /** SHA-256 of the JWS signing input (RFC 7515, 5.1): the same for every text that the signature verifies for. */
  readonly digest: string;
}

/** Signs `claims` as a JWS in compact form (RFC 7515). */
export function signMessage(signer: Signer, typ: string, claims: object): SignedMessage {
  const token = signCompact(signer, typ, JSON.stringify(claims));
  return { token, digest: signingInputDigest(token) };
}

/** What a receiver holds a message against. Every part is the receiver's own knowledge, never the message's. */
export interface Expected<Claims> {
  readonly typ: string;
  /** The sender, known from its connection or registration. */
  readonly issuer: string;
  /** Ourselves. */
  readonly audience: string;
  /** The pinned key that `kid` names for that sender, if it may sign now. */
  readonly key: (kid: string) => PinnedKey | undefined;
  /** RFC 8705 thumbprint of the other end's certificate; undefined where tokens are not bound to one. */
  readonly thumbprint: string | undefined;
  readonly claims: z.ZodType<Claims>;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Milliseconds since the epoch: what was signed before is not fresh, however young. */
  readonly notBefore?: number | undefined;
  /** Default: as between brokers. */
  readonly freshness?: Freshness;
}

/**
 * How long a message is good for. Between brokers it is signed for one sending, so `iat` itself must be `recent`;
 * a viewer's token is handed about within its platform first, and is good until its own `exp`.
 */
export interface Freshness {
  readonly rule: 'recent' | 'until-exp';
  /** The most seconds from `iat` to `exp`. */
  readonly longestLifeS: number;
}

const BETWEEN_BROKERS: Freshness = { rule: 'recent', longestLifeS: LONGEST_LIFE_S };

/** The claims that every check looks at; each message has more. */
interface Checked {
  iss: string;
  aud: string;
  iat: number;
  exp: number;
  cnf?: { 'x5t#S256': string } | undefined;
}

/**
 * Verifies one signed message. The order of checks is the security: signature, then type, sender, receiver,
 * connection, freshness; replay is the caller's next step.
 *
 * @throws EvidenceError with one code per check
 */
export async function verifyMessage<Claims extends Checked>(
  token: unknown,
  expected: Expected<Claims>,
): Promise<{ claims: Claims; digest: string; kid: string }> {
  if (typeof token !== 'string') throw new EvidenceError('malformed');
  const { header, kid, payload } = await verifySignature(token, expected.key);
  const digest = signingInputDigest(token);
  try {
    return { claims: checkClaims(header, payload, expected), digest, kid };
  } catch (error) {
    if (error instanceof EvidenceError) error.signed = { jti: readableJti(payload), digest };
    throw error;
  }
}

function checkClaims<Claims extends Checked>(
  header: ProtectedHeaderParameters,
  payload: Uint8Array,
  expected: Expected<Claims>,
): Claims {
  if (header.typ !== expected.typ) throw new EvidenceError('wrong-typ');
  const parsed = expected.claims.safeParse(parseJson(payload));
  if (!parsed.success) {
    // The path of the first fault is ours (the schema's); the value that failed stays unsaid.
    throw new EvidenceError('bad-claims', schemaPath(parsed.error));
  }
  const claims = parsed.data;
  if (claims.iss !== expected.issuer) throw new EvidenceError('wrong-issuer');
  if (claims.aud !== expected.audience) throw new EvidenceError('wrong-audience');
  if (expected.thumbprint !== undefined && claims.cnf?.['x5t#S256'] !== expected.thumbprint) {
    throw new EvidenceError('wrong-binding');
  }
  if (claims.iat * 1000 < (expected.notBefore ?? -Infinity)) {
    throw new EvidenceError('not-fresh', 'from before the store was opened');
  }
  checkFresh(claims, expected.now, expected.freshness ?? BETWEEN_BROKERS);
  return claims;
}

/** Empty where there is none to read: a refusal of what was signed is signed even so. */
function readableJti(payload: Uint8Array): string {
  try {
    const claims = parseJson(payload) as { jti?: unknown } | null;
    return readableId.safeParse(claims?.jti).data ?? '';
  } catch {
    return '';
  }
}

function checkFresh({ iat, exp }: Checked, now: number, { rule, longestLifeS }: Freshness): void {
  const seconds = now / 1000;
  const life = exp - iat;
  if (life <= 0 || life > longestLifeS) throw new EvidenceError('not-fresh', 'lifetime');
  if (iat > seconds + CLOCK_TOLERANCE_S) throw new EvidenceError('not-fresh', 'from the future');
  // What is recent has not ended either, by a clock that may be as far off as ours.
  const tooOld = rule === 'recent' ? iat < seconds - CLOCK_TOLERANCE_S : exp <= seconds;
  if (tooOld) throw new EvidenceError('not-fresh', 'too old');
}

/** Verifies the signature with the pinned key that `kid` names; the key alone decides the algorithm. */
export async function verifySignature(
  token: string,
  keyOf: (kid: string) => PinnedKey | undefined,
): Promise<{ header: ProtectedHeaderParameters; kid: string; payload: Uint8Array }> {
  const header = readHeader(token);
  if (!isAlgorithm(header.alg)) throw new EvidenceError('alg-refused');
  const { kid } = header;
  if (typeof kid !== 'string') throw new EvidenceError('unknown-kid');
  const pinned = keyOf(kid);
  if (pinned === undefined) throw new EvidenceError('unknown-kid');
  if (header.alg !== pinned.alg) throw new EvidenceError('alg-refused');
  return { header, kid, payload: verifyCompact(token, pinned.alg, await verifyingKey(pinned)) };
}

/** SHA-256 of the signing input: header and payload as signed, without the signature. */
export function signingInputDigest(token: string): string {
  return sha256(token.slice(0, token.lastIndexOf('.')));
}

function parseJson(payload: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
  } catch (error) {
    throw new EvidenceError('malformed', undefined, { cause: error });
  }
}

function schemaPath(error: z.ZodError): string {
  const names = error.issues[0]?.path.filter((part) => typeof part === 'string') ?? [];
  return names.join('.');
}
