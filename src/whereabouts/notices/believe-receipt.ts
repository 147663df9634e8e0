import { EvidenceError } from '../../errors.ts';
import { RECEIPT, type NoticeClaims, type ReceiptClaims } from '../../evidence/notice.ts';
import type { SignedAsking } from '../../evidence/query.ts';
import { verifyAnswer, type Believed } from '../../evidence/response.ts';
import type { Neighbours } from '../../trust/neighbours.ts';
import type { NeighbourAnswer } from '../../upstream/neighbour-link.ts';

/**
 * Decides whether a receipt is believed: evidence first (signature to body digest), then that it is for all of the notice, or
 * refuses it whole.
 *
 * @throws EvidenceError with one code per check
 */
export async function believeReceipt(
  { response: token, body, status, peer }: NeighbourAnswer,
  notice: SignedAsking<NoticeClaims>,
  neighbours: Neighbours,
  now: number,
): Promise<Believed<ReceiptClaims>> {
  const receipt = await verifyAnswer(RECEIPT, { token, body, status, peer }, notice, neighbours, now);
  const { outcome, count } = receipt.claims;
  const expected = outcome === 'taken' ? notice.claims.items.length : undefined;
  if (count !== expected) throw new EvidenceError('bad-claims', 'count');
  return receipt;
}
