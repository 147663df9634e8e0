import assert from 'node:assert/strict';

import type { QueryClaims } from '../../src/evidence/claims.ts';
import { rollCallOf, type ViewerRequest } from '../support/viewer.ts';
import { AskedOfLiars } from './asked-of-liars.ts';
import { HERTS, LONDON, type LyingLondon } from './lying-london.ts';
import { PATIENT } from './small-data.ts';

const CONDITION = `/fhir/Condition?patient=${PATIENT}&clinical-status=active`;

describe('what a neighbour hears', () => {
  let asked: AskedOfLiars;
  let london: LyingLondon;
  before(async () => {
    asked = await AskedOfLiars.start();
    ({ london } = asked);
  });
  after(() => asked.stop());

  /** Asks, and gives what London heard of it. */
  async function heardOf(request: ViewerRequest = {}) {
    const heard = Promise.withResolvers<{ claims: QueryClaims; headers: Record<string, unknown> }>();
    london.behaviour = (one) => {
      heard.resolve({ claims: one.claims, headers: one.request.headers });
      return london.genuine(one);
    };
    const token = request.token ?? (await asked.viewer.token(PATIENT));
    const reply = await asked.viewer.ask(PATIENT, CONDITION, { ...request, token });
    return { ...(await heard.promise), reply, token };
  }

  it('is the viewer’s request id and trace, or ones made for it', async () => {
    const id = '7a1e5d0c-0000-4000-8000-00000000cafe';
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const given = await heardOf({ headers: { 'X-Request-Id': id, traceparent } });
    assert.equal(given.headers['x-request-id'], id);
    // Of a span of our own in the viewer's trace, which nobody records here, whatever the viewer says.
    assert.match(
      String(given.headers['traceparent']),
      /^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-00$/,
    );
    assert.ok(!String(given.headers['traceparent']).includes('b7ad6b7169203331'));
    const made = await heardOf({ headers: { 'X-Request-Id': 'x', traceparent: '00-bad-01' } });
    assert.match(String(made.headers['x-request-id']), /^[0-9a-f-]{36}$/);
    assert.equal(made.headers['x-request-id'], made.reply.headers['x-request-id']);
    assert.match(String(made.headers['traceparent']), /^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
  });

  it('is a query for it alone, signed, bound to the connection, with the audit claims', async () => {
    const { claims, token } = await heardOf({
      token: await asked.viewer.token(PATIENT, { requesting_user_role: 'registrar' }),
    });
    const { iss, requesting_system, requesting_user } = asked.viewer.claims(PATIENT);
    assert.deepEqual([claims.iss, claims.aud], [HERTS, LONDON]);
    assert.ok(claims.exp - claims.iat <= 60);
    assert.equal(claims.patient, `https://fhir.nhs.uk/Id/nhs-number|${PATIENT}`);
    assert.deepEqual(claims.search, [{ id: 'Condition', query: 'Condition?clinical-status=active' }]);
    assert.deepEqual(
      [claims.requesting_organization, claims.requesting_user_role, claims.reason_for_request],
      ['RQW', 'R8000', 'directcare'],
    );
    assert.deepEqual(
      [claims.requesting_system, claims.requesting_user],
      [requesting_system, requesting_user],
    );
    assert.match(claims.origin, /^[\w-]{43}$/);
    assert.equal(claims.relationship, 'asserted');
    // Who else is asked, and the viewer's own token, are nobody else's business.
    assert.doesNotMatch(JSON.stringify(claims), /essex-suffolk|west-midlands/);
    assert.ok(!JSON.stringify(claims).includes(token.split('.')[2] ?? token));
    assert.ok(iss.startsWith(HERTS));
  });

  it('is a jti of its own each time', async () => {
    const jtis = new Set<string>();
    for (let at = 0; at < 3; at += 1) jtis.add((await heardOf()).claims.jti);
    assert.equal(jtis.size, 3);
  });

  it('is a budget: what is left, less a margin', async () => {
    const standard = await heardOf();
    const budget = Number(standard.headers['wayleave-budget-ms']);
    assert.ok(budget > 3000 && budget <= 4850, String(budget));
    const hurried = await heardOf({ headers: { Prefer: 'wait=2' } });
    const less = Number(hurried.headers['wayleave-budget-ms']);
    assert.ok(less > 0 && less <= 1850, String(less));
  });

  it('is never longer waited for than the viewer wants', async () => {
    london.behaviour = () => undefined;
    const started = performance.now();
    const { status, body } = await asked.viewer.ask(PATIENT, CONDITION, { headers: { Prefer: 'wait=0.5' } });
    assert.ok(performance.now() - started < 3000);
    assert.equal(status, 200);
    assert.deepEqual(rollCallOf(body)['london'], ['not-reached', 'care-location', 'timeout']);
    assert.deepEqual(rollCallOf(body)['essex-suffolk'], ['none', 'care-location']);
  });

  it('is a record by its name where only one is meant', async () => {
    const named = encodeURIComponent(
      `${asked.viewer.base}/regions/london/london-care-record/fhir/Patient/p1`,
    );
    const heard = Promise.withResolvers<QueryClaims>();
    london.behaviour = (one) => {
      heard.resolve(one.claims);
      return london.genuine(one);
    };
    await asked.viewer.ask(PATIENT, `/fhir/Condition?patient=${named}`);
    const { search = [] } = await heard.promise;
    assert.deepEqual(
      search.map(({ id, record }) => [id, record]),
      [
        ['Condition', 'london-care-record'],
        ['Patient', 'london-care-record'],
      ],
    );
  });
});
