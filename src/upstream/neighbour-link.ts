import type { TLSSocket } from 'node:tls';

import type { BreakerConfig } from '../config/schema.ts';
import type { Deadline } from '../deadline.ts';
import { DeliveryError, EvidenceError, RequestError } from '../errors.ts';
import type { AskingClaims, SignedAsking } from '../evidence/query.ts';
import { RESPONSE_HEADER } from '../evidence/response.ts';
import type { Log } from '../log.ts';
import { endpointsIn } from '../trust/entity-statement.ts';
import type { IdentifiedPeer, Neighbour, Neighbours } from '../trust/neighbours.ts';
import { peerCertificateOf } from '../trust/peer-certificate.ts';
import type { TlsIdentity } from '../trust/tls.ts';
import { Destination, fairly, type DestinationStatus } from './destination.ts';
import { Endpoints } from './endpoints.ts';
import { exchange, type Answer, type Call } from './exchange.ts';
import { closeFree } from './free-sockets.ts';
import { PinnedAgent } from './pinned-agent.ts';
import { retryAfterMs } from './retry-after.ts';

/** What came back for a query: not yet believed. */
export interface NeighbourAnswer {
  readonly status: number;
  /** The `Wayleave-Response` header; absent where identity was not yet proved, or the neighbour is no broker. */
  readonly response: string | undefined;
  readonly body: Buffer;
  /** Who is at the other end of the very connection that the answer came by. */
  readonly peer: IdentifiedPeer;
}

/** Where each kind of signed message goes, under which name, and whether its journey tries once more. */
const CALLS = {
  query: { path: '/federation/v1/query', member: 'query', retried: true },
  accesses: { path: '/federation/v1/accesses', member: 'question', retried: false },
  locate: { path: '/federation/v1/locate', member: 'locate', retried: true },
  notices: { path: '/federation/v1/notices', member: 'notice', retried: false },
} as const;
export const HELLO_PATH = '/federation/v1/hello';

/** The most of what is left that one margin may be, so that a short wait leaves a neighbour some time. */
const LARGEST_MARGIN = 1 / 4;

/** Notes and proofs: a few KiB each. */
const MOST_TEXT_BYTES = 512 * 1024;

/** The largest answer that one region may give to one query. */
const MOST_ANSWER_BYTES = 16 * 1024 * 1024;

/** What is under way is over long before its anchors and certificate changed so often. */
const FORMER_AGENTS = 3;

export interface LinkSettings {
  /** As whom we connect, now. */
  readonly own: () => TlsIdentity;
  readonly breaker: BreakerConfig;
  readonly timeoutMs: number;
  /** Of that, what a new connection may take. */
  readonly connectMs: number;
  readonly marginMs: number;
}

/** The way to one neighbour: its own pinned TLS agent, breaker and bulkhead. */
export class NeighbourLink {
  readonly destination: Destination;
  readonly #endpoints: Endpoints;
  readonly #first: Neighbour;
  readonly #neighbours: Neighbours;
  readonly #settings: LinkSettings;
  readonly #now: () => number;
  /** The one for new calls first; then those of former anchors and certificates, for what is under way. */
  #agents: readonly [PinnedAgent, ...PinnedAgent[]];

  constructor(
    neighbour: Neighbour,
    neighbours: Neighbours,
    settings: LinkSettings,
    log: Log,
    now: () => number,
  ) {
    this.#first = neighbour;
    this.#neighbours = neighbours;
    this.#settings = settings;
    this.#now = now;
    this.#agents = [this.#newAgent(settings.own())];
    this.destination = new Destination(
      'neighbour',
      neighbour.region,
      settings.breaker,
      (deadline) => this.#endpoints.probe(deadline),
      log,
    );
    this.#endpoints = new Endpoints(
      () => endpointsIn(this.neighbour.broker.endpoints),
      (endpoint, deadline) => this.#hello(endpoint, deadline),
      settings.breaker,
    );
  }

  status(): DestinationStatus {
    const { inUse, avoided } = this.#endpoints;
    return { ...this.destination.status(), endpoint: inUse, avoided };
  }

  /** As it is now. */
  get neighbour(): Neighbour {
    return this.#neighbours.byRegion(this.#first.region) ?? this.#first;
  }

  /**
   * Makes the connections fit what the neighbour is now, and what we are. Where its anchors or our certificate changed, new
   * ones are made from here on, and what is under way ends on its own; where it is revoked, every connection is closed,
   * whatever is under way.
   */
  renew(): void {
    const { anchors, decided } = this.neighbour;
    const own = this.#settings.own();
    const [present] = this.#agents;
    if (decided?.revoked === true) for (const agent of this.#agents) agent.destroy();
    const isSame = own.certificate === present.own.certificate && anchors.join() === present.anchors.join();
    if (isSame) return present.judgeFree();
    present.retire();
    this.#agents = [this.#newAgent(own), ...this.#agents.slice(0, FORMER_AGENTS)];
  }

  #newAgent(own: TlsIdentity): PinnedAgent {
    const settings = { own, breaker: this.#settings.breaker };
    return new PinnedAgent(this.neighbour.anchors, settings, (socket) => this.#identify(socket));
  }

  /** A message goes out under the certificate that it was signed for, and under no other: it would be refused. */
  #agentFor(thumbprint: string): PinnedAgent {
    const agent = this.#agents.find((one) => one.thumbprint === thumbprint);
    if (agent === undefined) throw new DeliveryError('cancelled', 'signed for a former certificate');
    return agent;
  }

  /**
   * Sends a signed message and has its answer judged by `believe`, all inside the breaker: an answer that is not
   * believed counts against the neighbour as a failure does.
   *
   * @throws DeliveryError, with `mayRetry` where the same is to be asked once more; or what `believe` throws
   */
  ask<Result>(
    { token, claims }: SignedAsking<Pick<AskingClaims, 'cnf'> & { retry_of?: string | undefined }>,
    headers: Readonly<Record<string, string>>,
    deadline: Deadline,
    believe: (answer: NeighbourAnswer) => Promise<Result>,
    call: keyof typeof CALLS = 'query',
  ): Promise<Result> {
    const { path, member, retried } = CALLS[call];
    const mayRetry = retried && claims.retry_of === undefined;
    return this.destination.call(async () => {
      const started = performance.now();
      const leftMs = deadline.remainingMs();
      const endpoint = this.#endpoints.inUse;
      // Kept back twice: here for believing, merging and the audit, and of what is handed down for the way home.
      const marginMs = this.#marginMs(leftMs);
      using part = deadline.within(Math.min(this.#settings.timeoutMs, leftMs - marginMs));
      const budget = Math.max(0, Math.floor(part.remainingMs() - marginMs));
      const sending: Call = {
        method: 'POST',
        url: new URL(path, endpoint).href,
        body: JSON.stringify({ [member]: token }),
        headers: { 'Content-Type': 'application/json', 'Wayleave-Budget-Ms': String(budget), ...headers },
        agent: this.#agentFor(claims.cnf['x5t#S256']),
        connectMs: this.#settings.connectMs,
        mostBytes: MOST_ANSWER_BYTES,
      };
      const answer = await fairly(this.#settings.timeoutMs, part, () =>
        this.#send(sending, endpoint, part),
      ).catch((error: unknown) => {
        const restMs = this.leftMs(performance.now() - started, deadline);
        // What is tried again counts by how that ends: one clinician's question is one failure, not two.
        if (mayRetry && this.mayAskAgain(error, restMs))
          Object.assign(error, { mayRetry: true, blameless: true });
        throw error;
      });
      const response = answer.header(RESPONSE_HEADER);
      // A signed one for notices tells of their queue, and of nothing that is asked.
      if (isThrottled(answer.status) && (call !== 'notices' || response === undefined)) {
        this.destination.leaveAlone(retryAfterMs(answer.header('retry-after'), this.#now()));
      }
      if (response === undefined) refuseUnsigned(answer.status);
      return await believe({
        status: answer.status,
        response,
        body: answer.body,
        peer: this.#identify(answer.socket as TLSSocket),
      });
    });
  }

  /** What is left for this neighbour after so many milliseconds of asking it. */
  leftMs(spentMs: number, deadline: Deadline): number {
    return Math.min(deadline.remainingMs(), this.#settings.timeoutMs - spentMs);
  }

  /** Whether a call that failed may be made once more: nothing of an answer came, and there is time for a usual one. */
  mayAskAgain(error: unknown, leftMs: number): error is DeliveryError {
    if (!(error instanceof DeliveryError) || error.unanswered === undefined) return false;
    const { takesCalls, usualMs = this.#settings.connectMs } = this.destination;
    return takesCalls && leftMs - this.#marginMs(leftMs) >= usualMs;
  }

  /**
   * A call beside queries, of text: it neither waits for the circuit nor opens it.
   *
   * @throws DeliveryError
   */
  async text(
    method: Call['method'],
    path: string,
    body: { readonly type: string; readonly text: string } | undefined,
    deadline: Deadline,
  ): Promise<{ status: number; body: string; header: (name: string) => string | undefined }> {
    const answer = await exchange(
      {
        method,
        url: new URL(path, this.#endpoints.inUse).href,
        ...(body === undefined ? {} : { body: body.text, headers: { 'Content-Type': body.type } }),
        agent: this.#agents[0],
        connectMs: this.#settings.connectMs,
        mostBytes: MOST_TEXT_BYTES,
      },
      deadline,
    );
    this.#identify(answer.socket as TLSSocket);
    return {
      ...{ status: answer.status, body: answer.body.toString('utf8') },
      header: (name) => answer.header(name),
    };
  }

  close(): void {
    this.destination.close();
    this.#endpoints.close();
    for (const agent of this.#agents) agent.destroy();
  }

  #marginMs(leftMs: number): number {
    return Math.min(this.#settings.marginMs, leftMs * LARGEST_MARGIN);
  }

  /** After a failure without an answer, what comes next goes over a connection of its own, to another endpoint if there is one. */
  async #send(sending: Call, endpoint: string, deadline: Deadline): Promise<Answer> {
    try {
      const answer = await exchange(sending, deadline);
      this.#endpoints.worked(endpoint);
      return answer;
    } catch (error) {
      if (error instanceof DeliveryError) this.#lost(error, endpoint);
      throw error;
    }
  }

  #lost(error: DeliveryError, endpoint: string): void {
    if (error.unanswered !== undefined) for (const agent of this.#agents) closeFree(agent);
    const notConnected = error.unanswered === 'new' || error.code === 'tls-failed';
    if (!notConnected || !this.#endpoints.failed(endpoint)) return;
    // An endpoint is down, and not the neighbour, while another stands by: there the same may be asked.
    error.unanswered = 'new';
    error.blameless = true;
  }

  /** Judged on every request, not once per connection: a certificate may expire or be revoked in between. */
  #identify(socket: TLSSocket): IdentifiedPeer {
    try {
      const peer = this.#neighbours.identify(peerCertificateOf(socket), 'server', this.#now());
      if (peer.neighbour.entity === this.neighbour.entity) return peer;
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      // As a refusal of ours it would count as a sign of the neighbour's health.
      throw new DeliveryError('tls-failed', error.code, { cause: error });
    }
    throw new DeliveryError('tls-failed', 'another neighbour');
  }

  async #hello(endpoint: string, deadline: Deadline): Promise<void> {
    // Nobody knocks at the door of one who is trusted no more.
    if (this.neighbour.decided?.revoked === true) throw new DeliveryError('tls-failed', 'neighbour-revoked');
    const url = new URL(HELLO_PATH, endpoint).href;
    const { connectMs } = this.#settings;
    const hello: Call = { method: 'GET', url, agent: this.#agents[0], connectMs, mostBytes: 64 * 1024 };
    const { status } = await exchange(hello, deadline);
    if (status !== 204) throw new DeliveryError('peer-failed');
  }
}

function isThrottled(status: number): boolean {
  return status === 429 || status === 503;
}

/** Without a signature an error tells nothing but that it is no answer, and an answer is not believed. */
function refuseUnsigned(status: number): never {
  if (status >= 200 && status < 300) throw new EvidenceError('unsigned');
  if (isThrottled(status)) throw new DeliveryError('peer-throttled');
  if (status >= 400 && status < 500) throw new DeliveryError('peer-refused');
  throw new DeliveryError('peer-failed', 'unsigned');
}
