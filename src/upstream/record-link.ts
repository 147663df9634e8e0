import http from 'node:http';
import https from 'node:https';

import type { ConfiguredRecord, RecordCredentials } from '../config/load.ts';
import type { Deadline } from '../deadline.ts';
import { DeliveryError } from '../errors.ts';
import { moveBase } from '../fhir/references.ts';
import { FHIR_JSON, isDeeperThan, isResource, MOST_LEVELS, type Resource } from '../fhir/resource.ts';
import type { Log } from '../log.ts';
import { AccessTokens } from './access-tokens.ts';
import { Destination, fairly, type DestinationKind } from './destination.ts';
import { closeFree } from './free-sockets.ts';
import { exchange, type Answer, type Call } from './exchange.ts';
import { retryAfterMs } from './retry-after.ts';

const MOST_ANSWER_BYTES = 16 * 1024 * 1024;
const CONNECTIONS = 32;

/** The way to one regional record: a FHIR R4 server with its own breaker, connections and credentials. */
export class RecordLink {
  readonly record: ConfiguredRecord;
  readonly destination: Destination;
  readonly #agent: http.Agent | https.Agent;
  readonly #tokens: AccessTokens | undefined;
  readonly #now: () => number;
  /** The longest first: one may lie below another. */
  readonly #publicBases: readonly string[];

  constructor(
    record: ConfiguredRecord,
    log: Log,
    now: () => number,
    kind: Extract<DestinationKind, 'record' | 'polled-record'> = 'record',
  ) {
    this.record = record;
    this.#now = now;
    this.#agent = agentFor(record);
    this.#publicBases = record.public_base.toSorted((one, other) => other.length - one.length);
    this.#tokens =
      record.credentials.kind === 'oauth2' ? new AccessTokens(record.credentials, now) : undefined;
    this.destination = new Destination(
      kind,
      record.id,
      record.breaker,
      (deadline) => this.#get(`${record.base}/metadata`, deadline),
      log,
    );
  }

  /**
   * Gets one resource or searchset: `path` is relative to the record's base, or absolute within it (paging).
   * What the record calls by one of its public bases comes back below its base: only that is known from here on.
   *
   * @returns undefined for 404 and 410
   * @throws DeliveryError; `bad-content` for anything but a FHIR resource in JSON
   */
  get(path: string, deadline: Deadline): Promise<Resource | undefined> {
    const url = path.startsWith(this.record.base) ? path : `${this.record.base}/${path}`;
    return this.destination.call(async () => {
      using part = deadline.within(this.record.timeout_ms);
      return await fairly(this.record.timeout_ms, part, () => this.#get(url, part));
    });
  }

  close(): void {
    this.destination.close();
    this.#tokens?.close();
    this.#agent.destroy();
  }

  async #get(url: string, deadline: Deadline): Promise<Resource | undefined> {
    const answer = await this.#withToken(
      (authorization) => this.#send(url, authorization, deadline),
      deadline,
    );
    if (answer.status === 404 || answer.status === 410) return undefined;
    if (answer.status === 429 || answer.status === 503) {
      this.destination.leaveAlone(retryAfterMs(answer.header('retry-after'), this.#now()));
      throw new DeliveryError('peer-throttled', this.record.id);
    }
    if (answer.status >= 500) throw new DeliveryError('peer-failed', this.record.id);
    if (answer.status !== 200) throw new DeliveryError('peer-refused', this.record.id);
    const resource = readResource(answer.body, this.record.id);
    return this.#publicBases.reduce((moved, base) => moveBase(moved, base, this.record.base), resource);
  }

  /**
   * A record may end a token before its time (a restart, a rotated key): the call is made once more with a new
   * one. That one is kept even if it is refused as well, so that no call costs two tokens.
   */
  async #withToken(
    send: (authorization: string | undefined) => Promise<Answer>,
    deadline: Deadline,
  ): Promise<Answer> {
    const authorization = await this.#tokens?.authorization(deadline);
    const answer = await send(authorization);
    if (answer.status !== 401 || this.#tokens === undefined || authorization === undefined) return answer;
    this.#tokens.forget(authorization);
    return send(await this.#tokens.authorization(deadline));
  }

  /** Once more where a connection that was kept turns out to be closed: nothing was said over it. */
  async #send(url: string, authorization: string | undefined, deadline: Deadline): Promise<Answer> {
    const call: Call = {
      method: 'GET',
      url,
      headers: {
        Accept: FHIR_JSON,
        ...(authorization === undefined ? {} : { Authorization: authorization }),
      },
      agent: this.#agent,
      connectMs: this.record.connect_ms,
      mostBytes: MOST_ANSWER_BYTES,
    };
    try {
      return await exchange(call, deadline);
    } catch (error) {
      if (!(error instanceof DeliveryError) || error.unanswered !== 'kept') throw error;
      closeFree(this.#agent);
      return await exchange(call, deadline);
    }
  }
}

function readResource(body: Buffer, record: string): Resource {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString('utf8'));
  } catch {
    throw new DeliveryError('bad-content', record);
  }
  // Within our answer it lies a little deeper, and a neighbour takes none that is too deep.
  if (!isResource(parsed) || isDeeperThan(MOST_LEVELS / 2, parsed)) {
    throw new DeliveryError('bad-content', record);
  }
  return parsed;
}

function agentFor(record: ConfiguredRecord): http.Agent | https.Agent {
  const shared = { keepAlive: true, maxSockets: CONNECTIONS, maxFreeSockets: CONNECTIONS };
  if (record.base.startsWith('http:')) return new http.Agent(shared);
  return new https.Agent({ ...shared, maxCachedSessions: 0, ...tlsOptions(record.credentials) });
}

function tlsOptions(credentials: RecordCredentials): https.AgentOptions {
  switch (credentials.kind) {
    case 'none':
      return {};
    case 'mutual-tls':
      return { cert: credentials.certificate, key: credentials.key, ca: credentials.anchors };
    case 'oauth2':
      return credentials.anchors === undefined ? {} : { ca: credentials.anchors };
  }
}
