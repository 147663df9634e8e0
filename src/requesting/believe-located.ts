import { EvidenceError } from '../errors.ts';
import { LOCATED, locatedBody, type LocateClaims, type LocatedClaims } from '../evidence/locate.ts';
import type { SignedAsking } from '../evidence/query.ts';
import { verifyAnswer, type Believed } from '../evidence/response.ts';
import type { Neighbours } from '../trust/neighbours.ts';
import type { NeighbourAnswer } from '../upstream/neighbour-link.ts';
import { parseJson } from './parse-json.ts';

export interface BelievedLocated {
  readonly answer: Believed<LocatedClaims>;
  /** Undefined where nothing is told: refused, or the home region could not find out. */
  readonly regions: readonly string[] | undefined;
}

/**
 * Decides whether an answer is believed: evidence first (signature to body digest), then its form. If anything fails none
 * of it is used.
 *
 * @throws EvidenceError with one code per check
 */
export async function believeLocated(
  { response: token, body, status, peer }: NeighbourAnswer,
  question: SignedAsking<LocateClaims>,
  neighbours: Neighbours,
  now: number,
): Promise<BelievedLocated> {
  const answer = await verifyAnswer(LOCATED, { token, body, status, peer }, question, neighbours, now);
  if (answer.claims.outcome !== 'answered') return { answer, regions: undefined };
  const told = locatedBody.safeParse(parseJson(body));
  if (!told.success) throw new EvidenceError('bad-claims', 'body');
  return { answer, regions: told.data.regions };
}
