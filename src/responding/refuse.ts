import type { Message, Told } from '../audit/trail.ts';
import { EvidenceError, isWayleaveError } from '../errors.ts';
import type { Verified } from '../evidence/query.ts';
import { refOf, type QueryRef } from '../evidence/response.ts';
import type { IdentifiedPeer } from '../trust/neighbours.ts';
import { refusalBody, type SignedAnswer } from './answer.ts';

/** How one kind of message is refused: signed as its answer is, and kept as its own events. */
export interface Refusing {
  readonly sign: (body: ReturnType<typeof refusalBody>) => Message;
  /** Durable when it resolves. */
  readonly keep: (told: Told) => Promise<void>;
}

/** What a refusal is bound to: the message, once its sender is proved; undefined before that. */
export function provedPart(
  error: unknown,
  asked: Verified<{ iss: string; jti: string }> | undefined,
  peer: IdentifiedPeer,
): QueryRef | undefined {
  if (asked !== undefined) return refOf(asked);
  const signed = error instanceof EvidenceError ? error.signed : undefined;
  return signed && { issuer: peer.neighbour.entity, ...signed };
}

/**
 * A refusal after the sender is proved is signed and audited; a fault of ours is neither, and releases nothing.
 *
 * @throws `error` itself when it is a fault of ours; HouseError `audit-unavailable`
 */
export async function refuse(error: unknown, { sign, keep }: Refusing): Promise<SignedAnswer> {
  if (!isWayleaveError(error) || error.publicForm.status >= 500) throw error;
  const body = refusalBody(error);
  const response = sign(body);
  await keep({ outcome: body.outcome, reason: body.reason, response });
  const { outcome, reason, status, bytes } = body;
  return { outcome, reason, status, token: response.token, bytes };
}
