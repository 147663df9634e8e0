import type { TLSSocket } from 'node:tls';

import type { Deadline } from '../../deadline.ts';
import { DeliveryError, EvidenceError, PUBLIC_FORM } from '../../errors.ts';
import { CLOCK_TOLERANCE_S } from '../../evidence/message.ts';
import { signPing, verifyPong } from '../../evidence/ping.ts';
import type { Sender } from '../../evidence/query.ts';
import { RESPONSE_HEADER } from '../../evidence/response.ts';
import { STATEMENT_HEADER, type IdentifiedPeer, type Neighbours } from '../../trust/neighbours.ts';
import { exchange, type Answer, type Call } from '../exchange.ts';
import { HELLO_PATH } from '../neighbour-link.ts';
import { alertIn, codeOf } from './connect.ts';
import type { Fault, Found } from './step.ts';
import { HeldConnection } from './hold.ts';

const MOST_BYTES = 512 * 1024;
const DATE_HALF_MS = 500;

/** The other end as the handshake proved it, and as whom we ask. */
export interface Asking {
  readonly url: string;
  readonly identified: IdentifiedPeer;
  readonly neighbours: Neighbours;
  readonly sender: Sender;
  /** Sequence of our own statement. */
  readonly sequence: number;
  readonly now: () => number;
}

/** What came back for the first bytes that were sent: an answer, or how the connection ended. */
export interface FirstAnswer {
  readonly answer: Answer | undefined;
  readonly fault: Fault | undefined;
  /** Milliseconds by which their clock is ahead of ours, by the answer's Date; whole seconds. */
  readonly aheadMs: number | undefined;
}

/** One connection that the check has looked at, and what is asked over it. */
export class OpenLink {
  readonly #asking: Asking;
  readonly #agent: HeldConnection;
  #alert: string | undefined;

  constructor(socket: TLSSocket, asking: Asking) {
    this.#asking = asking;
    this.#agent = new HeldConnection(socket);
    socket.on('error', (error) => (this.#alert ??= alertIn(codeOf(error))));
  }

  /**
   * Steps `accepted` and `hello`. With TLS 1.3 our own handshake is over before the other end has judged our certificate:
   * a refusal shows at the first read, as an alert or as an end without a word.
   */
  async hello(deadline: Deadline): Promise<FirstAnswer> {
    const { now } = this.#asking;
    const sent = now();
    try {
      const answer = await this.#exchange({ method: 'GET', path: HELLO_PATH }, deadline);
      const theirs = Date.parse(answer.header('date') ?? '');
      const aheadMs = Number.isNaN(theirs) ? undefined : theirs + DATE_HALF_MS - (sent + now()) / 2;
      return { answer, fault: undefined, aheadMs };
    } catch (error) {
      if (!(error instanceof DeliveryError)) throw error;
      const code = error.code === 'timeout' ? 'timeout' : (this.#alert ?? 'closed-without-alert');
      return { answer: undefined, fault: { code }, aheadMs: undefined };
    }
  }

  /** Step `own-statement`. */
  async ownStatement(deadline: Deadline): Promise<Found<never>> {
    const { sequence: ours } = this.#asking;
    const answer = await this.#tried({ method: 'GET', path: '/federation/v1/witnessed' }, deadline);
    if ('code' in answer) return { fault: answer };
    if (answer.status !== 200) return { fault: { code: codeIn(answer) } };
    const header = answer.header(STATEMENT_HEADER) ?? '';
    if (!/^\d{1,15}$/.test(header)) return { detail: { ours }, fault: { code: 'no-sequence' } };
    const theirs = Number(header);
    const detail = { ours, theirs };
    if (theirs === ours) return { detail };
    return { detail, fault: { code: theirs < ours ? 'sequence-behind' : 'sequence-ahead' } };
  }

  /** Step `ping`. */
  async ping(deadline: Deadline): Promise<Found<never>> {
    const { identified, neighbours, sender, now } = this.#asking;
    const ping = signPing(sender, identified.neighbour.entity, now());
    const body = JSON.stringify({ ping: ping.token });
    const answer = await this.#tried({ method: 'POST', path: '/federation/v1/ping', body }, deadline);
    if ('code' in answer) return { fault: answer };
    const token = answer.header(RESPONSE_HEADER);
    if (token === undefined) return { detail: { status: answer.status }, fault: { code: codeIn(answer) } };
    const came = { token, body: answer.body, status: answer.status, peer: identified };
    try {
      const { claims } = await verifyPong(came, ping, neighbours, now());
      const detail = { key: sender.signer.kid, statement: claims.stmt };
      if (claims.outcome === 'answered') return { detail };
      return { detail, fault: { code: knownCode(claims.reason) ?? 'refused' } };
    } catch (error) {
      if (!(error instanceof EvidenceError)) throw error;
      return { fault: { code: `pong-${error.code}` } };
    }
  }

  async #tried(call: Sending, deadline: Deadline): Promise<Answer | Fault> {
    try {
      return await this.#exchange(call, deadline);
    } catch (error) {
      if (!(error instanceof DeliveryError)) throw error;
      return { code: this.#alert ?? error.code };
    }
  }

  #exchange({ path, body, method }: Sending, deadline: Deadline): Promise<Answer> {
    const url = new URL(path, this.#asking.url).href;
    const json = body === undefined ? {} : { body, headers: { 'Content-Type': 'application/json' } };
    return exchange({ method, url, ...json, agent: this.#agent, mostBytes: MOST_BYTES }, deadline);
  }
}

interface Sending extends Pick<Call, 'method' | 'body'> {
  readonly path: string;
}

/** Step `clock`, by the Date of their first answer (RFC 9110, 6.6.1). */
export function judgeClock(aheadMs: number | undefined): Found<never> {
  if (aheadMs === undefined) return { skipped: true };
  const aheadSeconds = Math.round(aheadMs / 1000);
  const off = Math.abs(aheadSeconds) > CLOCK_TOLERANCE_S;
  return { detail: { aheadSeconds }, fault: off ? { code: 'clock-differs' } : undefined };
}

/** The code of an unsigned error, when it is one of ours; else the status. */
export function codeIn({ status, body }: Pick<Answer, 'status' | 'body'>): string {
  try {
    const outcome = JSON.parse(body.toString('utf8')) as {
      issue?: { details?: { coding?: { code?: unknown }[] } }[];
    };
    return knownCode(outcome.issue?.[0]?.details?.coding?.[0]?.code) ?? `status-${status}`;
  } catch {
    return `status-${status}`;
  }
}

/** What came from outside is told only where it is a code of ours. */
function knownCode(code: unknown): string | undefined {
  return typeof code === 'string' && Object.hasOwn(PUBLIC_FORM, code) ? code : undefined;
}
