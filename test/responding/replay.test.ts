import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

import { TestNeighbour } from '../support/neighbour.ts';
import { errorCode } from '../support/viewer.ts';
import { Asking, PATIENT } from './asking.ts';
import { partsOf, twinOf } from './odd-tokens.ts';

const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

describe('the listener between brokers: each query is answered once', () => {
  let asking: Asking;

  before(async () => {
    asking = await Asking.start({ regions: ['herts-west-essex', 'london', 'essex-suffolk'] });
  });
  after(() => asking.stop());

  it('refuses the same query again', async () => {
    const { token } = await asking.ask();
    await asking.refusesSigned(401, 'replayed', token);
    await asking.refusesSigned(401, 'replayed', token);
  });

  it('answers one of ten at once', async () => {
    const token = await asking.token();
    const replies = await Promise.all(Array.from({ length: 10 }, () => asking.send(token)));
    assert.deepEqual(replies.map(({ status }) => status).sort(), [200, ...Array<number>(9).fill(401)]);
    for (const reply of replies) {
      const { outcome, reason } = await asking.verified(reply, token);
      if (reply.status === 200) assert.equal(outcome, 'answered');
      else assert.deepEqual([outcome, reason, errorCode(reply.body)], ['refused', 'replayed', 'replayed']);
    }
  });

  it('spends a query that policy refuses', async () => {
    const token = await asking.token({ requesting_user_role: 'R9999' });
    await asking.refusesSigned(403, 'role-not-agreed', token);
    await asking.refusesSigned(401, 'replayed', token);
  });

  it('refuses new claims under a spent jti', async () => {
    const jti = randomUUID();
    await asking.ask({ jti });
    await asking.refusesSigned(401, 'replayed', await asking.token({ jti, relationship: 'referral' }));
  });

  it('keeps the jti of each neighbour apart', async () => {
    const jti = randomUUID();
    await asking.ask({ jti });
    const essex = new TestNeighbour(asking.federation, 'essex-suffolk');
    assert.equal((await essex.send('london', await essex.query('london', PATIENT, { jti }))).status, 200);
  });

  it('refuses the other signature that verifies for the same query: (r, n - s)', async () => {
    const { token } = await asking.ask();
    const twin = twinOf(token);
    assert.notEqual(twin, token);
    await asking.refusesSigned(401, 'replayed', twin);
  });

  it('refuses the query after its other signature', async () => {
    const token = await asking.token();
    assert.equal((await asking.send(twinOf(token))).status, 200);
    await asking.refusesSigned(401, 'replayed', token);
  });

  describe('reads one text of a signature, and no other that says the same', () => {
    const rewritten: readonly [name: string, rewrite: (signature: string) => string][] = [
      ['with other trailing bits', otherTrailingBits],
      ['padded', (signature) => `${signature}==`],
      ['with a space', (signature) => `${signature.slice(0, 8)} ${signature.slice(8)}`],
      ['with a line end', (signature) => `${signature}\n`],
      ['in the alphabet of plain base64', (signature) => `${signature.slice(0, -2)}+/`],
    ];
    for (const [name, rewrite] of rewritten) {
      it(name, async () => {
        const token = await asking.token();
        const [header, payload, signature] = partsOf(token);
        const rewritten = [header, payload, rewrite(signature)].join('.');
        await asking.refusesUnsigned(400, 'malformed', () => asking.send(rewritten));
        assert.equal((await asking.send(token)).status, 200);
      });
    }
  });

  it('and a new query is answered as before', () => asking.stillAnswers());
});

/** 64 bytes leave four bits of the last character unused: any of 16 characters says the same. */
function otherTrailingBits(signature: string): string {
  const last = BASE64URL.indexOf(signature.slice(-1));
  return signature.slice(0, -1) + (BASE64URL[last ^ 1] ?? '');
}
