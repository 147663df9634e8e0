import { EvidenceError } from '../errors.ts';
import { admitOnce, verifyQuery, type AdmittedQuery, type ReplayGuard } from '../evidence/query.ts';
import type { IdentifiedPeer, Neighbours } from '../trust/neighbours.ts';

/** What is needed to admit a query: our own name, who our neighbours are, what was seen before. */
export interface Admission {
  readonly self: string;
  readonly neighbours: Neighbours;
  readonly replay: ReplayGuard;
}

/**
 * Proof, before anything is decided: signature, then `typ`, claims, `iss`, `aud`, `cnf`, freshness, then replay.
 * Each step needs what only the step before can give.
 *
 * @param peer who the TLS connection proved to be
 * @throws EvidenceError; `error.signed` is set when the sender's signature was good
 */
export async function admitQuery(
  token: unknown,
  peer: IdentifiedPeer,
  admission: Admission,
  now: number,
): Promise<AdmittedQuery> {
  const verified = await verifyQuery(token, peer, admission.neighbours, admission.self, now);
  try {
    return await admitOnce(verified, admission.replay);
  } catch (error) {
    if (error instanceof EvidenceError) error.signed = { jti: verified.claims.jti, digest: verified.digest };
    throw error;
  }
}
