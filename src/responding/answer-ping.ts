import type { TLSSocket } from 'node:tls';

import { isWayleaveError } from '../errors.ts';
import { PING, signPong, type PingClaims } from '../evidence/ping.ts';
import type { Admitted } from '../evidence/query.ts';
import { refOf } from '../evidence/response.ts';
import type { Span } from '../span.ts';
import type { ReplayStore } from '../store/contracts.ts';
import { peerCertificateOf } from '../trust/peer-certificate.ts';
import { admit, type Admission } from './admit.ts';
import type { SignedAnswer } from './answer.ts';
import type { Answering } from './connection.ts';
import { provedPart, refuse } from './refuse.ts';

/** What answering a ping stands on. */
export interface AnsweringPings extends Answering {
  readonly admission: Admission;
  readonly replay: ReplayStore;
  readonly counts: PingCounts;
  /** Counts a refusal durably: one entry per code and minute. */
  readonly countRefusal: (code: string) => Promise<void>;
  readonly now: () => number;
}

/** How often each neighbour's pings were answered since this broker's start, and when last (ISO instant). */
export class PingCounts {
  readonly #answered = new Map<string, { answered: number; last: string }>();

  add(region: string, at: number): void {
    const answered = (this.#answered.get(region)?.answered ?? 0) + 1;
    this.#answered.set(region, { answered, last: new Date(at).toISOString() });
  }

  all(): { region: string; answered: number; last: string }[] {
    return [...this.#answered].map(([region, told]) => ({ region, ...told }));
  }
}

/**
 * A neighbour asks whether its message key is taken here. Proof as for every message, in the same order, and spent
 * against replay as every message is. Nothing is decided, looked at or given away, so no entry of the log tells of it:
 * what is answered is counted, and what is refused is counted durably, by its code.
 *
 * @param token the signed ping as it came
 * @throws as `respond` does
 */
export async function answerPing(
  token: unknown,
  socket: TLSSocket,
  broker: AnsweringPings,
  span: Span<'neighbour-request'>,
): Promise<SignedAnswer> {
  const { admission, replay, counts, now } = broker;
  const peer = admission.neighbours.identify(peerCertificateOf(socket), 'client', now());
  const sender = broker.senderOn(socket);
  let ping: Admitted<PingClaims> | undefined;
  try {
    const spend = ({ claims }: { claims: PingClaims }, keepUntil: number): Promise<boolean> =>
      replay.spend(claims.iss, claims.jti, keepUntil);
    ping = await admit(PING, token, peer, admission, spend, span, now());
    const bytes = Buffer.from('{}');
    const said = { outcome: 'answered', status: 200, nonce: ping.claims.nonce, bytes } as const;
    const pong = signPong(sender, refOf(ping), said, now());
    counts.add(peer.neighbour.region, now());
    return { outcome: said.outcome, status: said.status, token: pong.token, bytes };
  } catch (error) {
    const ref = provedPart(error, ping, peer);
    if (ref === undefined) throw error;
    return await refuse(error, {
      sign: (body) => signPong(sender, ref, body, now()),
      keep: () => broker.countRefusal(`ping-${isWayleaveError(error) ? error.code : 'refused'}`),
    });
  }
}
