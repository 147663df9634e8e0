import assert from 'node:assert/strict';

import { ACCESS_ANSWER, type AccessAnswerClaims, type AccessBody } from '../../src/evidence/access-claims.ts';
import { TYP, type QueryClaims } from '../../src/evidence/claims.ts';
import type { Signer } from '../../src/evidence/keys.ts';
import type { RegionId } from '../../src/demo/places.ts';
import type { TestFederation } from '../support/federation.ts';
import { TestNeighbour } from '../support/neighbour.ts';
import { errorCode, type Reply } from '../support/viewer.ts';
import { verifiedAnswer } from './verified-answer.ts';

export type Change = Record<string, unknown>;

export interface AnsweredAccesses {
  readonly token: string;
  readonly reply: Reply;
  readonly claims: AccessAnswerClaims;
  readonly body: AccessBody;
}

export const PRIVACY_OFFICER = 'R0001';

/** The claims that make a question after accesses of what `TestNeighbour` signs. */
export function questionClaims(change: Change = {}): Partial<Record<keyof QueryClaims, unknown>> {
  return {
    ...{ search: undefined, relationship: undefined, origin: undefined },
    reason_for_request: 'accessreport',
    requesting_user_role: PRIVACY_OFFICER,
    ...{ from: '2020-01-01T00:00:00.000Z', to: new Date(Date.now() + 60_000).toISOString() },
    ...change,
  };
}

/** One region that asks another who there received a patient's record, over real TLS. */
export class AccessAsking {
  readonly federation: TestFederation;
  readonly from: RegionId;
  readonly to: RegionId;
  readonly neighbour: TestNeighbour;

  constructor(federation: TestFederation, from: RegionId, to: RegionId) {
    this.federation = federation;
    this.from = from;
    this.to = to;
    this.neighbour = new TestNeighbour(federation, from);
  }

  token(nhsNumber: string, change: Change = {}, signing: { typ?: string; signer?: Signer } = {}) {
    const typ = signing.typ ?? TYP.accessQuestion;
    return this.neighbour.query(this.to, nhsNumber, questionClaims(change), { ...signing, typ });
  }

  send(token: unknown): Promise<Reply> {
    const body = JSON.stringify({ question: token });
    return this.neighbour.send(this.to, undefined, { path: '/federation/v1/accesses', body });
  }

  /** Sends a good question, with claims changed, and believes the answer. */
  async ask(nhsNumber: string, change: Change = {}): Promise<AnsweredAccesses> {
    const token = await this.token(nhsNumber, change);
    const reply = await this.send(token);
    assert.equal(reply.status, 200, errorCode(reply.body));
    const claims = await this.verified(reply, token);
    return { token, reply, claims, body: JSON.parse(reply.text) as AccessBody };
  }

  /** The code of a refusal that is signed and bound to the question. */
  async refused(nhsNumber: string, change: Change = {}): Promise<[number, string | undefined]> {
    const token = await this.token(nhsNumber, change);
    const reply = await this.send(token);
    const { outcome, reason, count } = await this.verified(reply, token);
    assert.deepEqual([outcome, reason, count], ['refused', errorCode(reply.body), undefined]);
    return [reply.status, reason];
  }

  verified(reply: Reply, token: string): Promise<AccessAnswerClaims> {
    return verifiedAnswer(ACCESS_ANSWER, this.federation, this, token, reply);
  }
}
