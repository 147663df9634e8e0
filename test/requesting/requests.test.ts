import assert from 'node:assert/strict';

import type { Bundle, Resource } from '../../src/fhir/resource.ts';
import { askingViewerForAll } from '../support/asking-viewer.ts';
import { errorCode, matchesOf, warningsOf, type Reply, type ViewerRequest } from '../support/viewer.ts';
import { PATIENT, smallData } from './small-data.ts';

const FORM = { 'Content-Type': 'application/x-www-form-urlencoded' };
const JSON_BODY = { method: 'POST', headers: { 'Content-Type': 'application/fhir+json' } };
const EVERYTHING = `/fhir/Patient/${PATIENT}/$everything`;
const operation = (...parameter: object[]): ViewerRequest => ({
  ...JSON_BODY,
  body: JSON.stringify({ resourceType: 'Parameters', parameter }),
});
const twice = <One>(one: One): One[] => [one, one];
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

describe('a viewer’s request', () => {
  const asking = askingViewerForAll({ data: smallData() });

  const ask = (path: string, request: ViewerRequest = {}) => asking.viewer.ask(PATIENT, path, request);
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
    [415, 'unsupported-media', '/fhir/Condition/_search', { ...JSON_BODY, body: `{"patient":"${PATIENT}"}` }],
    [
      415,
      'unsupported-media',
      '/fhir/Condition/_search',
      { method: 'POST', headers: { ...FORM, 'Content-Encoding': 'rot13' }, body: 'a=b' },
    ],
    [
      413,
      'too-large',
      '/fhir/Condition/_search',
      { method: 'POST', headers: FORM, body: 'a=b&'.repeat(200) },
    ],
    [400, 'search-too-long', OBSERVATION + `&code=${'x'.repeat(390)}`.repeat(6)],
    [400, 'search-too-long', `/fhir/Patient?_id=${PATIENT}` + `&_lastUpdated=${'%25'.repeat(300)}`.repeat(4)],
    [405, 'method-not-allowed', '/fhir/Condition/_search'],
    [405, 'method-not-allowed', '/fhir/Patient/_search'],
    [405, 'method-not-allowed', '/fhir/metadata', { method: 'POST', body: '{}' }],
    [405, 'method-not-allowed', EVERYTHING, { method: 'DELETE' }],
    [415, 'unsupported-media', EVERYTHING, { method: 'POST', headers: FORM, body: '_type=Condition' }],
    [400, 'bad-json', EVERYTHING, { ...JSON_BODY, body: '{"resourceType":' }],
    [400, 'bad-json', EVERYTHING, { ...JSON_BODY, body: '[]' }],
    [400, 'bad-json', EVERYTHING, { ...JSON_BODY, body: '{"resourceType":"Patient"}' }],
    [413, 'too-large', EVERYTHING, { ...JSON_BODY, body: `{"id":"${'x'.repeat(70_000)}"}` }],
    [400, 'unknown-parameter', EVERYTHING, operation({ name: 'start', valueDate: '2026-01-01' })],
    [400, 'unknown-parameter', EVERYTHING, operation({ name: 'constructor', valueCode: 'x' })],
    [400, 'unknown-parameter', EVERYTHING, operation({ name: 'patient', valueString: PATIENT })],
    [400, 'bad-parameter', EVERYTHING, operation({ name: '_count', valueString: '5' })],
    [400, 'bad-parameter', EVERYTHING, operation({ name: '_count', valueInteger: 0 })],
    [400, 'bad-parameter', EVERYTHING, operation(...twice({ name: '_count', valueInteger: 5 }))],
    [400, 'bad-parameter', EVERYTHING, operation({ name: '_since', valueInstant: 'yesterday' })],
    [400, 'bad-parameter', `${EVERYTHING}?_since=yesterday`],
    [404, 'unknown-type', EVERYTHING, operation({ name: '_type', valueCode: 'Foo' })],
    [400, 'bad-request', '/fhir/Patient/%E0%A4%A'],
    [400, 'bad-request', '/regions/london/london-care-record/fhir/Condition/%E0%A4%A'],
    [404, 'not-found', '/regions/london/london-care-record/fhir', { method: 'DELETE' }],
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

  const ALLOWED: [path: string, method: string, allow: string][] = [
    ['/fhir', 'POST', 'GET, HEAD'],
    ['/fhir/metadata', 'DELETE', 'GET, HEAD'],
    ['/fhir/CodeSystem/reason', 'PUT', 'GET, HEAD'],
    [CONDITION, 'PATCH', 'GET, HEAD'],
    ['/fhir/Condition/_search', 'GET', 'POST'],
    ['/fhir/Patient/_search', 'GET', 'POST'],
    [`/fhir/Patient/${PATIENT}`, 'PUT', 'GET, HEAD'],
    [EVERYTHING, 'OPTIONS', 'GET, HEAD, POST'],
    ['/regions/london/london-care-record/fhir/Condition/c1', 'DELETE', 'GET, HEAD'],
  ];
  for (const [path, method, allow] of ALLOWED) {
    it(`${method} ${path} is told what that address takes: ${allow}`, async () => {
      const { status, headers, body } = await ask(path, { method });
      assert.deepEqual([status, headers['allow'], errorCode(body)], [405, allow, 'method-not-allowed']);
    });
  }

  it('without a good token is told what is wanted', async () => {
    const missing = await asking.viewer.send(CONDITION);
    assert.deepEqual([missing.status, missing.headers['www-authenticate']], [401, 'Bearer']);
    const refused = await ask(CONDITION, { token: 'a.b.c' });
    assert.deepEqual(
      [refused.status, refused.headers['www-authenticate']],
      [401, 'Bearer error="invalid_token"'],
    );
  });

  const found = ({ body }: Reply): string[] => matchesOf(body).map(({ fullUrl }) => fullUrl);
  const selfOf = ({ body }: Reply): string => linkOf(body, 'self') ?? '';

  it('for everything is the same by POST as by GET, its parameters in a Parameters resource or the address', async () => {
    const wanted = await ask(`${EVERYTHING}?_type=Condition,Observation&_count=5`);
    assert.equal(found(wanted).length, 5);
    const since = { name: '_since', valueInstant: '2020-01-01T00:00:00Z' };
    const types = ['Condition', 'Observation'].map((valueCode) => ({ name: '_type', valueCode }));
    const posted = await ask(EVERYTHING, operation(...types, { name: '_count', valueInteger: 5 }));
    // Nothing here says when it was changed.
    assert.deepEqual(found(await ask(EVERYTHING, operation(since))), []);
    const mixed = await ask(`${EVERYTHING}?_type=Condition&_count=5`, operation(types[1] ?? {}));
    for (const one of [posted, mixed]) {
      assert.equal(one.status, 200);
      assert.deepEqual(found(one), found(wanted));
    }
    for (const empty of [{ method: 'POST' }, operation()]) {
      const all = await ask(EVERYTHING, empty);
      assert.equal(all.status, 200);
      assert.deepEqual(found(all), found(await ask(EVERYTHING)));
    }
    const few = found(await ask(`${EVERYTHING}?_type=Condition&_type=Observation&_count=5`));
    assert.deepEqual(few, found(wanted));
  });

  it('by POST has a self link that asks the same by GET, and nobody writes it down', async () => {
    const form = { method: 'POST', headers: FORM };
    const asked: [Reply, path: string][] = [
      [
        await ask('/fhir/Observation/_search?_count=4', { ...form, body: `patient=${PATIENT}&_sort=-date` }),
        `/fhir/Observation?_count=4&patient=${PATIENT}&_sort=-date`,
      ],
      [await ask(EVERYTHING, operation({ name: '_count', valueInteger: 3 })), `${EVERYTHING}?_count=3`],
      [await ask(EVERYTHING, { method: 'POST' }), EVERYTHING],
      [await ask(`${OBSERVATION}&_count=4`), `${OBSERVATION}&_count=4`],
    ];
    for (const [reply, path] of asked) {
      assert.equal(selfOf(reply), asking.viewer.base + path);
      const again = await ask(selfOf(reply));
      assert.equal(again.status, 200);
      assert.deepEqual(found(again), found(reply));
    }
    assert.doesNotMatch(asking.federation.logged.join('\n'), new RegExp(PATIENT));
  });

  it('at the very most that a query can carry is asked, not refused by every region', async () => {
    const long = `${OBSERVATION}${`&code=${'x'.repeat(380)}`.repeat(5)}`;
    const { status, body } = await ask(long);
    assert.deepEqual([status, warningsOf(body)], [200, []]);
  });

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
    const refused = await asking.viewer.send(CONDITION, { headers: { 'X-Request-Id': id } });
    assert.deepEqual([refused.status, refused.headers['x-request-id']], [401, id.toLowerCase()]);
  });

  it('by HEAD has no body', async () => {
    const { status, text } = await ask(CONDITION, { method: 'HEAD' });
    assert.deepEqual([status, text], [200, '']);
  });
});

function linkOf(resource: Resource, relation: string): string | undefined {
  return (resource as Bundle).link?.find((link) => link.relation === relation)?.url;
}
