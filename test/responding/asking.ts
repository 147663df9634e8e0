import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';

import { patientDigestOf } from '../../src/broker.ts';
import { loadSecrets } from '../../src/config/secrets.ts';
import type { RegionId } from '../../src/demo/places.ts';
import type { QueryClaims, ResponseClaims } from '../../src/evidence/claims.ts';
import type { Signer } from '../../src/evidence/keys.ts';
import { signingInputDigest } from '../../src/evidence/message.ts';
import { pinnedNeighbours } from '../../src/evidence/pinned-neighbours.ts';
import { RESPONSE_HEADER, verifyResponse } from '../../src/evidence/response.ts';
import type { Objection, Store } from '../../src/store/contracts.ts';
import { readLog, type AuditRow } from '../support/audit.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { Neighbours } from '../../src/trust/neighbours.ts';
import { thumbprintOf, uriNames } from '../../src/trust/peer-certificate.ts';
import { startFederation, type FederationOptions, type TestFederation } from '../support/federation.ts';
import { TestNeighbour, type NeighbourRequest } from '../support/neighbour.ts';
import { errorCode, type Reply } from '../support/viewer.ts';

export type Change = Partial<Record<keyof QueryClaims, unknown>>;

export interface Answered {
  readonly token: string;
  readonly reply: Reply;
  /** The claims of the signed response, verified as the asking broker verifies them. */
  readonly claims: ResponseClaims;
}

/** A patient of story 1, of whom London holds a record. */
export const PATIENT = '9990000018';

const COUNTED_MS = 3_000;

/** One region that asks another over real TLS, and looks into what that one kept of it. */
export class Asking {
  readonly federation: TestFederation;
  readonly from: RegionId;
  readonly to: RegionId;
  readonly neighbour: TestNeighbour;
  readonly #now: () => number;
  readonly #store: Store;

  private constructor(
    federation: TestFederation,
    ends: { from: RegionId; to: RegionId },
    now: () => number,
    store: Store,
  ) {
    this.federation = federation;
    this.from = ends.from;
    this.to = ends.to;
    this.neighbour = new TestNeighbour(federation, ends.from);
    this.#now = now;
    this.#store = store;
  }

  /** By default Hertfordshire (ES256) asks London (EdDSA); only regions that are needed run. */
  static async start(options: FederationOptions & { from?: RegionId; to?: RegionId } = {}): Promise<Asking> {
    const { from = 'herts-west-essex', to = 'london', ...rest } = options;
    const federation = await startFederation({ regions: [from, to], ...rest });
    const store = options.store?.(to) ?? (await openSqliteStore(join(federation.directory, `${to}.db`)));
    return new Asking(federation, { from, to }, options.now ?? Date.now, store);
  }

  async stop(): Promise<void> {
    await this.#store.close();
    await this.federation.stop();
  }

  /** Another region that asks the same one. */
  by(region: RegionId): Asking {
    return new Asking(this.federation, { from: region, to: this.to }, this.#now, this.#store);
  }

  token(change: Change = {}, signing: { typ?: string; signer?: Signer } = {}): Promise<string> {
    const iat = Math.floor(this.#now() / 1000);
    return this.neighbour.query(this.to, PATIENT, { iat, exp: iat + 60, ...change }, signing);
  }

  /** The header and payload of a good query, for tokens that no library would make. */
  parts(change: Change = {}): { header: Record<string, unknown>; payload: object } {
    const { alg, kid } = this.neighbour.privateJwk();
    return {
      header: { alg, kid, typ: 'wayleave-query+jwt' },
      payload: this.neighbour.claims(this.to, PATIENT, change),
    };
  }

  send(token: unknown, request: NeighbourRequest = {}): Promise<Reply> {
    return this.neighbour.send(this.to, token, request);
  }

  /** Sends a good query, with claims changed, and believes the answer. */
  async ask(change: Change = {}, request: NeighbourRequest = {}): Promise<Answered> {
    const token = await this.token(change);
    const reply = await this.send(token, request);
    assert.equal(reply.status, 200, errorCode(reply.body));
    return { token, reply, claims: await this.verified(reply, token) };
  }

  /** Nothing else is disturbed: a good query gets its answer. */
  async stillAnswers(): Promise<void> {
    const { claims } = await this.ask();
    assert.equal(claims.outcome, 'answered');
    assert.doesNotMatch(this.federation.logged.join('\n'), /99900\d{5}|eyJ[A-Za-z0-9_-]{10}|-----BEGIN/);
  }

  /** The sender's signature was good: the refusal is signed, bound to the query, and one row in the audit. */
  async refusesSigned(
    status: number,
    code: string,
    token: string,
    request: NeighbourRequest = {},
  ): Promise<void> {
    const before = await this.rows();
    const counted = await this.counts();
    const reply = await this.send(token, request);
    assert.deepEqual([reply.status, errorCode(reply.body)], [status, code]);
    const claims = await this.verified(reply, token);
    assert.deepEqual([claims.outcome, claims.reason, claims.sources], ['refused', code, undefined]);
    const rows = (await this.rows()).slice(before.length);
    assert.deepEqual(
      rows.map(({ event, exchange, region, outcome, reason }) => ({
        event,
        exchange,
        region,
        outcome,
        reason,
      })),
      [
        {
          event: 'query-refused',
          exchange: jtiOf(token),
          region: this.from,
          outcome: 'refused',
          reason: code,
        },
      ],
    );
    assert.deepEqual(await this.counts(), counted);
  }

  /** The sender is not proved: nothing is signed, nothing audited, and the refusal is counted by its code. */
  async refusesUnsigned(status: number, code: string, send: () => Promise<Reply>): Promise<Reply> {
    const before = await this.rows();
    const counted = await this.counts();
    const reply = await send();
    assert.deepEqual([reply.status, errorCode(reply.body)], [status, code]);
    assert.equal(reply.headers[RESPONSE_HEADER], undefined);
    assert.deepEqual(await this.counts(), { ...counted, [code]: (counted[code] ?? 0) + 1 });
    assert.deepEqual(await this.rows(), before);
    return reply;
  }

  /** Runs `attempt`, and waits until exactly one refusal more is counted. @returns its code */
  async countsOne(attempt: () => Promise<unknown>): Promise<string> {
    const before = await this.counts();
    await attempt();
    for (const until = Date.now() + COUNTED_MS; Date.now() < until;) {
      const now = Object.entries(await this.counts());
      const more = now.filter(([code, count]) => count !== (before[code] ?? 0));
      const [only] = more;
      if (only !== undefined) {
        assert.equal(more.length, 1);
        assert.equal(only[1], (before[only[0]] ?? 0) + 1);
        return only[0];
      }
      await new Promise((done) => setTimeout(done, 10));
    }
    throw new assert.AssertionError({ message: 'the refusal was not counted' });
  }

  /** Has the region that is asked know an objection or a restriction, as an import does. */
  async object(nhsNumber: string, objection: Partial<Omit<Objection, 'patient'>> = {}): Promise<void> {
    const digest = patientDigestOf(loadSecrets(this.federation.config(this.to).secretsDirectory));
    const said: Objection = { patient: digest(nhsNumber), kind: 'objection', from: 0, ...objection };
    await this.#store.objections.record([said]);
  }

  /** What the audit says became of each query. */
  async rows(): Promise<AuditRow[]> {
    return (await this.#all()).filter(({ event }) => event !== 'query-received');
  }

  /** What was kept when a query came in. */
  async receivedOf(token: string): Promise<AuditRow | undefined> {
    const exchange = jtiOf(token);
    return (await this.#all()).find((row) => row.event === 'query-received' && row.exchange === exchange);
  }

  #all(): Promise<AuditRow[]> {
    return readLog(this.#store, this.federation.config(this.to));
  }

  /** The row of one query. */
  async rowOf(token: string): Promise<AuditRow | undefined> {
    return (await this.rows()).find(({ exchange }) => exchange === jtiOf(token));
  }

  /** code -> how many, over all minutes. */
  async counts(): Promise<Record<string, number>> {
    const sums: Record<string, number> = {};
    for (const { code, count } of await this.#store.log.counts(0, Number.MAX_SAFE_INTEGER)) {
      if (code !== 'health-write') sums[code] = (sums[code] ?? 0) + count;
    }
    return sums;
  }

  /** Believes a response as the asking broker does: pinned key, certificate, query and body. */
  async verified(reply: Reply, token: string): Promise<ResponseClaims> {
    const asker = this.federation.config(this.from);
    const responder = this.federation.config(this.to);
    const at = this.#now();
    const neighbours = new Neighbours(await pinnedNeighbours(asker.neighbours, at));
    const leaf = new X509Certificate(responder.serverCertificate);
    const certificate = {
      leaf,
      issuers: [],
      thumbprint: thumbprintOf(leaf),
      uris: uriNames(leaf.subjectAltName),
    };
    const response = await verifyResponse(
      reply.headers[RESPONSE_HEADER],
      Buffer.from(reply.text),
      reply.status,
      {
        token,
        digest: signingInputDigest(token),
        jti: jtiOf(token),
        audience: responder.entity,
        claims: { iss: asker.entity } as QueryClaims,
      },
      neighbours.identify(certificate, 'server', at),
      neighbours,
      at,
    );
    return response.claims;
  }
}

/** The `jti` that a token claims; empty where it has none that can be read. */
function jtiOf(token: string): string {
  try {
    const payload = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as {
      jti?: string;
    };
    return /^[\w.~-]{1,64}$/.test(payload.jti ?? '') ? (payload.jti ?? '') : '';
  } catch {
    return '';
  }
}
