import { EvidenceError } from '../errors.ts';
import {
  admitOnce,
  verifyAsked,
  type Admitted,
  type AskingClaims,
  type AskingKind,
  type Receive,
  type Verified,
} from '../evidence/query.ts';
import { step, type Span } from '../span.ts';
import type { IdentifiedPeer, Neighbours } from '../trust/neighbours.ts';

/** What is needed to admit a message: our own name, and who our neighbours are. */
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
 * @param kind the one kind of message that may come this way
 * @param peer who the TLS connection proved to be
 * @param receive keeps the message and spends it, in one step
 * @param span of the message: it is told which it is
 * @throws EvidenceError; `error.signed` is set when the sender's signature was good
 */
export async function admit<Claims extends AskingClaims>(
  kind: AskingKind<Claims>,
  token: unknown,
  peer: IdentifiedPeer,
  admission: Admission,
  receive: Receive<Claims>,
  span: Span<'neighbour-request'>,
  now: number,
): Promise<Admitted<Claims>> {
  return await step(span, 'verify', async () => {
    const verified = await verifyAsked(kind, token, peer, admission, now);
    span.set({ exchange: verified.claims.jti });
    try {
      return await admitOnce(verified, receive);
    } catch (error) {
      if (error instanceof EvidenceError)
        error.signed = { jti: verified.claims.jti, digest: verified.digest };
      throw error;
    }
  });
}

/**
 * A message whose key was revoked while it was worked on is not answered. One whose key was only retired is: it was signed
 * while the key spoke.
 *
 * @throws EvidenceError `unknown-kid`
 */
export function assertNotRevoked(
  { kid, peer }: Pick<Verified<AskingClaims>, 'kid' | 'peer'>,
  { neighbours }: Pick<Admission, 'neighbours'>,
): void {
  if (neighbours.hasRevoked(peer.neighbour, kid)) throw new EvidenceError('unknown-kid');
}
