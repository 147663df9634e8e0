import type { AccessAnswerClaims } from './access-claims.ts';
import { TYP } from './claims.ts';
import type { Sender } from './query.ts';
import { signBound, type QueryRef } from './response.ts';

export type AccessAnswerBody = Pick<AccessAnswerClaims, 'outcome' | 'status' | 'count' | 'reason'> & {
  readonly bytes: Buffer;
};

/** Signs the answer to one question whose signature was verified, refusals included. */
export function signAccessAnswer(
  sender: Sender,
  { issuer, jti, digest }: QueryRef,
  { bytes, ...said }: AccessAnswerBody,
  now: number,
) {
  const bound = { question_jti: jti, question_digest: digest };
  return signBound(sender, issuer, TYP.accessAnswer, bytes, now, { ...bound, ...said });
}
