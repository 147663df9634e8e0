import { EvidenceError } from '../errors.ts';
import { admitOnce, verifyQuery, type AdmittedQuery, type ReceiveQuery } from '../evidence/query.ts';
import type { IdentifiedPeer, Neighbours } from '../trust/neighbours.ts';

/** What is needed to admit a query: our own name, and who our neighbours are. */
export interface Admission {
  readonly self: string;
  readonly neighbours: Neighbours;
  /**
   * When our store was opened last, in milliseconds: what was spent before that is not known, so nothing that was
   * signed before is admitted. Undefined for a store that was never closed.
   */
  readonly openedAt?: number | undefined;
}

/**
 * Proof, before anything is decided: signature, then `typ`, claims, `iss`, `aud`, `cnf`, freshness, then replay.
 * Each step needs what only the step before can give.
 *
 * @param peer who the TLS connection proved to be
 * @param receive keeps the query and spends it, in one step
 * @throws EvidenceError; `error.signed` is set when the sender's signature was good
 */
export async function admitQuery(
  token: unknown,
  peer: IdentifiedPeer,
  admission: Admission,
  receive: ReceiveQuery,
  now: number,
): Promise<AdmittedQuery> {
  const verified = await verifyQuery(token, peer, admission, now);
  try {
    return await admitOnce(verified, receive);
  } catch (error) {
    if (error instanceof EvidenceError) error.signed = { jti: verified.claims.jti, digest: verified.digest };
    throw error;
  }
}
