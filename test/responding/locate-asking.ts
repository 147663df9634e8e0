import assert from 'node:assert/strict';

import { TYP } from '../../src/evidence/claims.ts';
import { LOCATED, type LocatedClaims } from '../../src/evidence/locate.ts';
import type { RegionId } from '../../src/demo/places.ts';
import type { TestFederation } from '../support/federation.ts';
import { TestNeighbour } from '../support/neighbour.ts';
import { errorCode, type Reply } from '../support/viewer.ts';
import { verifiedAnswer } from './verified-answer.ts';

type Change = Record<string, unknown>;

export interface AnsweredLocate {
  readonly token: string;
  readonly reply: Reply;
  readonly claims: LocatedClaims;
}

/** One region that asks another, as a patient's home region, who else should be asked: over real TLS. */
export class LocateAsking {
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

  token(nhsNumber: string, change: Change = {}, typ: string = TYP.locate): Promise<string> {
    return this.neighbour.query(this.to, nhsNumber, { search: undefined, ...change }, { typ });
  }

  send(token: unknown, headers: Record<string, string> = {}): Promise<Reply> {
    const body = JSON.stringify({ locate: token });
    return this.neighbour.send(this.to, undefined, { path: '/federation/v1/locate', body, headers });
  }

  /** Sends a good question, with claims changed, and believes the answer. */
  async ask(nhsNumber: string, change: Change = {}): Promise<AnsweredLocate> {
    const token = await this.token(nhsNumber, change);
    const reply = await this.send(token);
    assert.equal(reply.status, 200, errorCode(reply.body));
    return { token, reply, claims: await this.verified(reply, token) };
  }

  /** Status and code of a refusal that is signed and bound to the question. */
  async refused(token: string): Promise<[number, string | undefined]> {
    const reply = await this.send(token);
    const { outcome, reason } = await this.verified(reply, token);
    assert.deepEqual([outcome, reason], ['refused', errorCode(reply.body)]);
    return [reply.status, reason];
  }

  verified(reply: Reply, token: string): Promise<LocatedClaims> {
    return verifiedAnswer(LOCATED, this.federation, this, token, reply);
  }
}
