import { randomBytes } from 'node:crypto';
import { z } from 'zod';

import { EvidenceError } from '../errors.ts';
import type { Neighbours } from '../trust/neighbours.ts';
import { base64url, common, TYP } from './claims.ts';
import { signAsking, type AskingKind, type Sender, type SignedAsking } from './query.ts';
import { signBound, verifyAnswer, type AnswerKind, type Believed, type QueryRef } from './response.ts';

/**
 * A ping is a message like every other and asks for nothing: that it is answered proves that each end takes the
 * other's message key, under the certificates of the connection at hand. It names no patient and no person.
 */
export const pingClaims = z.strictObject({
  ...common,
  /** 32 random bytes in base64url, which the pong says again. */
  nonce: base64url,
});
export type PingClaims = z.infer<typeof pingClaims>;

export const pongClaims = z.strictObject({
  ...common,
  ping_jti: z.string().max(64),
  ping_digest: base64url,
  outcome: z.enum(['answered', 'refused']),
  /** The ping's; a refusal has none. */
  nonce: base64url.optional(),
  /** The HTTP status that the pong travels with. */
  status: z.int(),
  body_digest: base64url,
  /** Why it was refused: a code of `docs/protocol.md`. */
  reason: z.string().max(40).optional(),
});
export type PongClaims = z.infer<typeof pongClaims>;

export const PING: AskingKind<PingClaims> = { typ: TYP.ping, claims: pingClaims };

export const PONG: AnswerKind<PongClaims> = {
  typ: TYP.pong,
  claims: pongClaims,
  boundTo: ({ ping_jti: jti, ping_digest: digest }) => ({ jti, digest }),
};

const NONCE_BYTES = 32;

/** Signs one ping for exactly one neighbour. @param now milliseconds since the epoch */
export function signPing(sender: Sender, audience: string, now: number): SignedAsking<PingClaims> {
  return signAsking(PING, sender, audience, { nonce: randomBytes(NONCE_BYTES).toString('base64url') }, now);
}

export type PongBody = Pick<PongClaims, 'outcome' | 'status' | 'nonce' | 'reason'> & {
  readonly bytes: Buffer;
};

/** Signs the answer to one ping whose signature was verified, refusals included. */
export function signPong(
  sender: Sender,
  { issuer, jti, digest }: QueryRef,
  { bytes, ...said }: PongBody,
  now: number,
) {
  const bound = { ping_jti: jti, ping_digest: digest };
  return signBound(sender, issuer, TYP.pong, bytes, now, { ...bound, ...said });
}

/**
 * Decides whether a pong is believed, in the order of `verifyAnswer`; then the nonce. A refusal is believed as well:
 * its `reason` says what the other end found wrong.
 *
 * @throws EvidenceError with one code per check
 */
export async function verifyPong(
  came: Parameters<typeof verifyAnswer>[1],
  ping: SignedAsking<PingClaims>,
  neighbours: Neighbours,
  now: number,
): Promise<Believed<PongClaims>> {
  const pong = await verifyAnswer(PONG, came, ping, neighbours, now);
  const { outcome, nonce } = pong.claims;
  if (outcome === 'answered' && nonce !== ping.claims.nonce) throw new EvidenceError('wrong-query', 'nonce');
  return pong;
}
