import assert from 'node:assert/strict';

import { startFederation, type TestFederation } from '../support/federation.ts';
import { errorCode, matchesOf, TestViewer, type ViewerRequest } from '../support/viewer.ts';
import { PATIENT, smallData } from './small-data.ts';

const FORM = { 'Content-Type': 'application/x-www-form-urlencoded' };
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

describe('a viewer’s request', () => {
  let federation: TestFederation;
  let viewer: TestViewer;
  before(async () => {
    federation = await startFederation({ data: smallData() });
    viewer = new TestViewer(federation, 'herts-west-essex');
  });
  after(async () => {
    viewer.close();
    await federation.stop();
  });

  const ask = (path: string, request: ViewerRequest = {}) => viewer.ask(PATIENT, path, request);
  const CONDITION = `/fhir/Condition?patient=${PATIENT}`;
  const OBSERVATION = `/fhir/Observation?patient=${PATIENT}`;

  const REFUSED: [status: number, code: string, path: string, request?: ViewerRequest][] = [
    [404, 'unknown-type', `/fhir/Foo?patient=${PATIENT}`],
    [404, 'unknown-type', `/fhir/Binary?patient=${PATIENT}`],
    [404, 'unknown-type', `/fhir/constructor?patient=${PATIENT}`],
    [404, 'unknown-type', `/fhir/Patient/${PATIENT}/$everything?_type=Condition,Foo`],
    [400, 'unknown-parameter', `${CONDITION}&colour=blue`],
    [400, 'unknown-parameter', `${CONDITION}&_id=c1`],
    [400, 'unknown-parameter', `${CONDITION}&_revinclude=Provenance:target`],
    [400, 'unknown-parameter', `${CONDITION}&code:in=http://valueset.example`],
    [400, 'unknown-parameter', `${CONDITION}&subject:Patient.name=a`],
    [400, 'unknown-parameter', `/fhir/Patient/${PATIENT}/$everything?code=x`],
    [400, 'unknown-parameter', `/fhir/Patient?_id=${PATIENT}&name=Person`],
    [400, 'bad-parameter', `${OBSERVATION}&_count=0`],
    [400, 'bad-parameter', `${OBSERVATION}&_count=-5`],
    [400, 'bad-parameter', `${OBSERVATION}&_count=many`],
    [400, 'bad-parameter', `${OBSERVATION}&_count=501`],
    [400, 'bad-parameter', `${OBSERVATION}&_count=99999`],
    [400, 'bad-parameter', `${OBSERVATION}&_sort=code`],
    [400, 'bad-parameter', `${OBSERVATION}&_include=Observation:subject`],
    [400, 'bad-parameter', `${OBSERVATION}&code=`],
    [400, 'bad-parameter', `${OBSERVATION}&code=${'x'.repeat(401)}`],
    [400, 'bad-parameter', `${OBSERVATION}&_elements=a.b`],
    [400, 'bad-parameter', `${OBSERVATION}&_summary=text`],
    [400, 'bad-request', `${OBSERVATION}${'&status=final'.repeat(40)}`],
    [400, 'patient-missing', '/fhir/Condition'],
    [400, 'patient-missing', '/fhir/Patient'],
    [400, 'bad-nhs-number', '/fhir/Patient/9990000019'],
    [400, 'bad-nhs-number', '/fhir/Patient/9990000019/$everything'],
    [400, 'bad-nhs-number', '/fhir/Patient/p1'],
    [406, 'not-acceptable', CONDITION, { headers: { Accept: 'application/fhir+xml' } }],
    [406, 'not-acceptable', CONDITION, { headers: { Accept: 'text/html' } }],
    [406, 'not-acceptable', `${CONDITION}&_format=xml`],
    [406, 'not-acceptable', `${CONDITION}&_format=application/fhir%2Bxml`],
    [405, 'method-not-allowed', CONDITION, { method: 'PUT' }],
    [405, 'method-not-allowed', CONDITION, { method: 'DELETE' }],
    [405, 'method-not-allowed', CONDITION, { method: 'PATCH' }],
    [405, 'method-not-allowed', '/fhir/Condition', { method: 'POST', body: '{}' }],
    [405, 'method-not-allowed', '/fhir', { method: 'POST', body: '{}' }],
    [405, 'method-not-allowed', `/fhir/Patient/${PATIENT}`, { method: 'PUT', body: '{}' }],
    [405, 'method-not-allowed', '/regions/london/london-care-record/fhir/Condition/c1', { method: 'DELETE' }],
    [404, 'not-found', '/fhir/Condition/c1'],
    [404, 'not-found', `/fhir/Patient/${PATIENT}/$match`],
    [404, 'not-found', '/fhir/Condition/_history'],
    [404, 'not-found', '/'],
    [404, 'not-found', '/FHIR/Condition'],
    [400, 'bad-request', '/fhir'],
    [
      413,
      'too-large',
      '/fhir/Condition/_search',
      {
        method: 'POST',
        headers: FORM,
        body: `patient=${PATIENT}&code=${'x'.repeat(70_000)}`,
      },
    ],
    [
      400,
      'patient-missing',
      '/fhir/Condition/_search',
      {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ patient: PATIENT }),
      },
    ],
  ];
  for (const [status, code, path, request = {}] of REFUSED) {
    const { method = 'GET', headers: { Accept: accept = '' } = {} } = request;
    it(`${method} ${path.slice(0, 80)} ${accept}: ${status} ${code}`, async () => {
      const { status: got, body, headers } = await ask(path, request);
      assert.deepEqual([got, body.resourceType, errorCode(body)], [status, 'OperationOutcome', code]);
      assert.equal(headers['cache-control'], 'no-store');
      assert.match(String(headers['content-type']), /^application\/fhir\+json/);
    });
  }

  for (const accept of [
    'application/fhir+json',
    'application/json',
    '*/*',
    'application/fhir+xml, */*;q=0.1',
  ]) {
    it(`is answered in FHIR JSON for Accept: ${accept}`, async () => {
      const { status, headers } = await ask(CONDITION, { headers: { Accept: accept } });
      assert.equal(status, 200);
      assert.match(String(headers['content-type']), /^application\/fhir\+json/);
    });
  }

  it('is the same by POST _search as by GET, wherever its parameters stand', async () => {
    const search = `patient=${PATIENT}&_sort=-date&date=ge2026-01-05`;
    const entries = async (path: string, request: ViewerRequest = {}) => {
      const reply = await ask(path, request);
      assert.equal(reply.status, 200);
      return matchesOf(reply.body).map(({ fullUrl }) => fullUrl);
    };
    const wanted = await entries(`/fhir/Observation?${search}`);
    assert.ok(wanted.length > 10);
    const post = { method: 'POST', headers: FORM };
    assert.deepEqual(await entries('/fhir/Observation/_search', { ...post, body: search }), wanted);
    assert.deepEqual(await entries(`/fhir/Observation/_search?${search}`, post), wanted);
    const [first = '', ...rest] = search.split('&');
    const split = await entries(`/fhir/Observation/_search?${first}`, { ...post, body: rest.join('&') });
    assert.deepEqual(split, wanted);
  });

  it('is checked as a form as it is as an address', async () => {
    const post = { method: 'POST', headers: FORM };
    for (const [body, code] of [
      [`patient=${PATIENT}&patient=9990000026`, 'bad-parameter'],
      [`patient=${PATIENT}&colour=blue`, 'unknown-parameter'],
      [`patient=9990000026`, 'patient-mismatch'],
      [`patient[]=${PATIENT}`, 'patient-missing'],
    ] as const) {
      assert.equal(errorCode((await ask('/fhir/Condition/_search', { ...post, body })).body), code);
    }
    const both = await ask(`/fhir/Condition/_search?patient=${PATIENT}`, {
      ...post,
      body: 'patient=9990000026',
    });
    assert.equal(errorCode(both.body), 'bad-parameter');
  });

  it('never finds what came from outside in an error', async () => {
    for (const path of [
      `${CONDITION}&secret-word=x`,
      '/fhir/secret-word?patient=1',
      `${CONDITION}&code:secret-word=x`,
    ]) {
      assert.doesNotMatch((await ask(path)).text, /secret-word/);
    }
  });

  it('is never cached, and says nothing of what serves it', async () => {
    for (const path of [CONDITION, `/fhir/Patient/${PATIENT}`, '/fhir/metadata', '/fhir/nowhere']) {
      const { headers } = await ask(path);
      assert.equal(headers['cache-control'], 'no-store');
      for (const name of ['x-powered-by', 'etag', 'server']) assert.equal(headers[name], undefined);
      assert.equal(headers['x-content-type-options'], 'nosniff');
    }
  });

  it('keeps its id when it has a good one, and is given one when not', async () => {
    const id = 'A0B1C2D3-0000-4000-8000-0123456789AB';
    const kept = await ask(CONDITION, { headers: { 'X-Request-Id': id } });
    assert.equal(kept.headers['x-request-id'], id.toLowerCase());
    for (const bad of ['', 'no uuid', `${id}\t<script>`]) {
      const { headers } = await ask(CONDITION, { headers: { 'X-Request-Id': bad } });
      assert.match(String(headers['x-request-id']), UUID);
      assert.notEqual(headers['x-request-id'], id.toLowerCase());
    }
    const refused = await viewer.send(CONDITION, { headers: { 'X-Request-Id': id } });
    assert.deepEqual([refused.status, refused.headers['x-request-id']], [401, id.toLowerCase()]);
  });

  it('by HEAD has no body', async () => {
    const { status, text } = await ask(CONDITION, { method: 'HEAD' });
    assert.deepEqual([status, text], [200, '']);
  });
});
