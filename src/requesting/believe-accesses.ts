import { EvidenceError } from '../errors.ts';
import {
  ACCESS_ANSWER,
  accessBody,
  type AccessAnswerClaims,
  type AccessBody,
  type AccessQuestionClaims,
} from '../evidence/access-claims.ts';
import type { SignedAsking } from '../evidence/query.ts';
import { verifyAnswer, type Believed } from '../evidence/response.ts';
import type { Neighbours } from '../trust/neighbours.ts';
import type { NeighbourAnswer } from '../upstream/neighbour-link.ts';
import { parseJson } from './parse-json.ts';

export interface BelievedAccesses {
  readonly answer: Believed<AccessAnswerClaims>;
  /** Undefined where nothing is said: withheld or refused. */
  readonly body: AccessBody | undefined;
}

/**
 * Decides whether an answer is believed: evidence first (signature to body digest), then its form, then that it is of
 * the time that was asked for and goes on where the page before ended. If anything fails none of it is used.
 *
 * @param newest accesses of this page began then or before (milliseconds since the epoch)
 * @throws EvidenceError with one code per check
 */
export async function believeAccesses(
  { response: token, body, status, peer }: NeighbourAnswer,
  question: SignedAsking<AccessQuestionClaims>,
  newest: number,
  neighbours: Neighbours,
  now: number,
): Promise<BelievedAccesses> {
  const came = { token, body, status, peer };
  const answer = await verifyAnswer(ACCESS_ANSWER, came, question, neighbours, now);
  const { outcome, count } = answer.claims;
  if (outcome === 'withheld' || outcome === 'refused') {
    if (count !== undefined) throw new EvidenceError('bad-claims', 'count');
    return { answer, body: undefined };
  }
  const told = accessBody.safeParse(parseJson(body));
  if (!told.success) throw new EvidenceError('bad-claims', 'body');
  const { accesses, next, missing } = told.data;
  const empty = accesses.length === 0;
  if (count !== accesses.length || (empty && next !== undefined))
    throw new EvidenceError('bad-claims', 'count');
  const whole = empty ? 'none' : 'answered';
  if (outcome !== (missing === undefined ? whole : 'partial'))
    throw new EvidenceError('bad-claims', 'outcome');
  const from = Date.parse(question.claims.from);
  const inOrder = accesses.every(({ at }, nth) => at >= from && at <= (accesses[nth - 1]?.at ?? newest));
  if (!inOrder) throw new EvidenceError('bad-claims', 'accesses');
  return { answer, body: told.data };
}
