import assert from 'node:assert/strict';
import type { RequestListener } from 'node:http';

import { SYSTEM, type Rule } from '../../src/fhir/codes.ts';
import type { Resource } from '../../src/fhir/resource.ts';
import { startFederation, type TestFederation } from '../support/federation.ts';
import { issuesOf, rollCallOf, TestViewer } from '../support/viewer.ts';
import { PATIENT, smallData } from './small-data.ts';

const TODAY = new Date().toISOString().slice(0, 10);

/** PDS's Patient with one practice; changed as a test likes. */
function pds(change: object = {}, practice: object | null = { value: 'F81027' }): Resource {
  return {
    resourceType: 'Patient',
    id: PATIENT,
    meta: { security: [{ code: 'U' }] },
    ...(practice === null ? {} : { generalPractitioner: [{ identifier: practice }] }),
    ...change,
  };
}

const send =
  (status: number, body: unknown, headers: Record<string, string> = {}): RequestListener =>
  (_request, response) => {
    response.writeHead(status, { 'Content-Type': 'application/fhir+json', ...headers });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };
const outcome = (code: string) => ({
  resourceType: 'OperationOutcome',
  issue: [{ severity: 'error', code: 'processing', details: { coding: [{ code }] } }],
});

const HOME = ['not-asked', 'own-record'];
const TREATED = ['answered', 'care-location'];
/** Where nobody can say where the patient belongs, all are asked that an agreement covers. */
const ASK_ALL = { london: ['answered', 'care-location', 'ask-all'], 'west-midlands': ['none', 'ask-all'] };
const AS_TREATED = { london: TREATED, 'west-midlands': ['not-asked', 'no-reason'] };
const NOBODY = { london: ['not-asked', 'restricted'], 'west-midlands': ['not-asked', 'restricted'] };

function rulesOf(body: Resource): (string | undefined)[] {
  const codings = issuesOf(body).flatMap(({ details }) => details.coding ?? []);
  return codings.filter(({ system }) => system === SYSTEM.rule).map(({ code }) => code);
}

describe('what demographics say decides whom to ask', () => {
  let federation: TestFederation;
  let viewer: TestViewer;
  let answer: RequestListener = send(500, '');
  before(async () => {
    federation = await startFederation({
      data: smallData(),
      demographics: (request, response) => answer(request, response),
      edit: (_region, config) => {
        const settings = { timeout_ms: 600, cache: { entries: 0, seconds: 0 } };
        Object.assign(config['demographics'] as object, settings, { breaker: { volume_threshold: 1000 } });
      },
    });
    viewer = new TestViewer(federation, 'herts-west-essex');
  });
  after(async () => {
    viewer.close();
    await federation.stop();
  });

  type Roll = Readonly<Record<'london' | 'west-midlands', string[]>>;
  const SAID: [what: string, rule: Rule, roll: Roll, answer: RequestListener][] = [
    ['a practice of ours', 'registered', AS_TREATED, send(200, pds())],
    [
      'a practice in another region',
      'registered',
      { ...AS_TREATED, 'west-midlands': ['none', 'registered'] },
      send(200, pds({}, { value: 'M85172' })),
    ],
    ['a practice nobody knows', 'practice-unknown', ASK_ALL, send(200, pds({}, { value: 'A99999' }))],
    [
      'a practice that every object inherits',
      'no-practice',
      ASK_ALL,
      send(200, pds({}, { value: 'constructor' })),
    ],
    ['no practice', 'no-practice', ASK_ALL, send(200, pds({}, null))],
    [
      'a practice until last year',
      'registration-ended',
      ASK_ALL,
      send(200, pds({}, { value: 'F81027', period: { start: '2015-01-01', end: '2025-01-01' } })),
    ],
    [
      'a practice until today',
      'registered',
      AS_TREATED,
      send(200, pds({}, { value: 'F81027', period: { start: '2015-01-01', end: TODAY } })),
    ],
    ['a restricted patient', 'restricted', NOBODY, send(200, pds({ meta: { security: [{ code: 'R' }] } }))],
    ['a very restricted one', 'restricted', NOBODY, send(200, pds({ meta: { security: [{ code: 'V' }] } }))],
    [
      'a redacted one, after another label',
      'restricted',
      NOBODY,
      send(200, pds({ meta: { security: [null, { code: 'U' }, { code: 'REDACTED' }] } })),
    ],
    ['that it knows nobody', 'not-known', ASK_ALL, send(404, outcome('RESOURCE_NOT_FOUND'))],
    ['that the number is invalid', 'invalidated', AS_TREATED, send(404, outcome('INVALIDATED_RESOURCE'))],
    ['404 and no FHIR', 'demographics-not-reached', ASK_ALL, send(404, '<html></html>')],
    ['404 of no code', 'demographics-not-reached', ASK_ALL, send(404, { resourceType: 'OperationOutcome' })],
    [
      'too many requests',
      'demographics-not-reached',
      ASK_ALL,
      send(429, outcome('TOO_MANY_REQUESTS'), { 'Retry-After': '0' }),
    ],
    ['an error', 'demographics-not-reached', ASK_ALL, send(500, '')],
    ['no access', 'demographics-not-reached', ASK_ALL, send(401, outcome('ACCESS_DENIED'))],
    ['HTML', 'demographics-not-reached', ASK_ALL, send(200, '<html></html>')],
    ['half of it', 'demographics-not-reached', ASK_ALL, send(200, '{"resourceType":"Patient","id":"99')],
    [
      'another resource',
      'demographics-not-reached',
      ASK_ALL,
      send(200, { ...pds(), resourceType: 'Person' }),
    ],
    ['a Patient without a number', 'demographics-not-reached', ASK_ALL, send(200, pds({ id: 'p1' }))],
    ['nothing but a list', 'demographics-not-reached', ASK_ALL, send(200, [])],
    ['nothing at all, ever', 'demographics-not-reached', ASK_ALL, () => undefined],
    ['a hung-up call', 'demographics-not-reached', ASK_ALL, (_request, response) => void response.destroy()],
    [
      'that it is to be found elsewhere',
      'demographics-not-reached',
      ASK_ALL,
      send(302, '', { Location: 'http://127.0.0.1:9/Patient' }),
    ],
  ];
  for (const [what, rule, roll, said] of SAID) {
    it(`${what}: ${rule}`, async () => {
      // A restriction that they told before holds until they say otherwise.
      answer = send(200, pds());
      await viewer.ask(PATIENT, `/fhir/Condition?patient=${PATIENT}`);
      answer = said;
      const { status, body } = await viewer.ask(PATIENT, `/fhir/Condition?patient=${PATIENT}`);
      assert.equal(status, 200);
      const rules = rulesOf(body);
      assert.deepEqual(rules, roll === ASK_ALL ? [rule, 'ask-all-agreed'] : [rule]);
      const { london, 'west-midlands': midlands, 'herts-west-essex': home } = rollCallOf(body);
      assert.deepEqual({ london, 'west-midlands': midlands }, roll);
      assert.deepEqual(home, rule === 'restricted' ? ['not-asked', 'restricted'] : HOME);
    });
  }

  it('says that something may be missing where a patient came lately and nothing was handed over', async () => {
    const since = new Date(Date.now() - 30 * 86_400_000).toISOString().slice(0, 10);
    answer = send(200, pds({}, { value: 'F81027', period: { start: since } }));
    const { body } = await viewer.ask(PATIENT, `/fhir/Condition?patient=${PATIENT}`);
    const said = issuesOf(body).filter(({ details }) =>
      details.coding?.some(({ code }) => code === 'recently-registered'),
    );
    assert.deepEqual(
      said.map(({ severity, code }) => [severity, code]),
      [['warning', 'incomplete']],
    );
    assert.equal('total' in body, false);
    assert.deepEqual(rollCallOf(body)['west-midlands'], AS_TREATED['west-midlands']);
  });

  it('is stood in for by the practice that the viewer states in its token', async () => {
    const path = `/fhir/Condition?patient=${PATIENT}`;
    const stating = async (practice: string) => ({
      token: await viewer.token(PATIENT, { registered_practice: practice }),
    });
    const stated = await stating('M85172');
    answer = send(200, pds({}, null));
    const { body } = await viewer.ask(PATIENT, path, stated);
    // By its own demographics that region is not the home: who else holds something it does not know.
    assert.deepEqual(rulesOf(body), ['no-practice', 'stated-by-viewer', 'home-not-located']);
    assert.deepEqual(rollCallOf(body)['west-midlands'], ['none', 'registered']);
    answer = send(200, pds());
    assert.deepEqual(rulesOf((await viewer.ask(PATIENT, path, stated)).body), ['registered']);
    answer = send(200, pds({ meta: { security: [{ code: 'R' }] } }));
    assert.deepEqual(rollCallOf((await viewer.ask(PATIENT, path, stated)).body)['west-midlands'], [
      ...['not-asked', 'restricted'],
    ]);
    const wrong = await viewer.ask(PATIENT, path, await stating('High Street'));
    assert.equal(wrong.status, 401);
  });

  it('is asked with an id of its own for each request, and the number in the path alone', async () => {
    const ids = new Set<string>();
    answer = (request, response) => {
      assert.equal(request.url, `/personal-demographics/FHIR/R4/Patient/${PATIENT}`);
      ids.add(String(request.headers['x-request-id']));
      send(200, pds())(request, response);
    };
    for (let at = 0; at < 3; at += 1) await viewer.ask(PATIENT, `/fhir/Condition?patient=${PATIENT}`);
    assert.equal(ids.size, 3);
    for (const id of ids) assert.match(id, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  });

  it('is asked once for many questions about one patient at the same time', async () => {
    let calls = 0;
    answer = (request, response) => {
      calls += 1;
      setTimeout(() => send(200, pds())(request, response), 150);
    };
    const asking = Array.from({ length: 6 }, () => viewer.ask(PATIENT, `/fhir/Condition?patient=${PATIENT}`));
    for (const { body } of await Promise.all(asking)) assert.deepEqual(rollCallOf(body)['london'], TREATED);
    assert.equal(calls, 1);
  });
});
