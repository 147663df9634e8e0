import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Resource } from '../../src/fhir/resource.ts';
import { createPdsServer } from '../../src/demo/pds-server.ts';
import { buildStories, EDGE_NUMBERS } from '../../src/demo/stories.ts';
import { serve, type Served } from './serve.ts';

const NOW = new Date('2026-11-20T12:00:00Z');
const { demographics: entries } = buildStories(NOW);
const PATH = '/personal-demographics/FHIR/R4/Patient';

interface Answer {
  status: number;
  body: Resource;
  headers: Headers;
}

describe('PDS stand-in', () => {
  let pds: Served;
  before(async () => {
    pds = await serve(() => createPdsServer({ entries }));
  });
  after(() => pds.close());

  async function ask(number: string, headers: Record<string, string> = {}): Promise<Answer> {
    const response = await fetch(`${pds.origin}${PATH}/${number}`, {
      headers: { 'x-request-id': randomUUID(), ...headers },
    });
    return { status: response.status, body: (await response.json()) as Resource, headers: response.headers };
  }

  function code({ body }: Answer): string | undefined {
    const [issue] = body['issue'] as { details: { coding: { code: string }[] } }[];
    return issue?.details.coding[0]?.code;
  }

  it('names the one practice, by ODS code and with its period', async () => {
    const { status, body, headers } = await ask('9990000018');
    assert.equal(status, 200);
    assert.match(headers.get('content-type') ?? '', /^application\/fhir\+json/);
    assert.equal(headers.get('etag'), 'W/"2"');
    assert.equal(body.id, '9990000018');
    assert.deepEqual((body['generalPractitioner'] as object[])[0], {
      id: '254406A3',
      type: 'Organization',
      identifier: {
        system: 'https://fhir.nhs.uk/Id/ods-organization-code',
        value: 'F81027',
        period: { start: '2019-06-03' },
      },
    });
    assert.equal(body.meta?.security?.[0]?.code, 'U');
  });

  it('tells neither practice nor address nor telephone of a restricted patient', async () => {
    const { status, body } = await ask('9990000069');
    assert.equal(status, 200);
    assert.equal(body.meta?.security?.[0]?.code, 'R');
    for (const element of ['generalPractitioner', 'address', 'telecom'])
      assert.ok(!(element in body), element);
  });

  it('answers a superseded number with the other patient', async () => {
    const { status, body } = await ask(EDGE_NUMBERS.superseded);
    assert.equal(status, 200);
    assert.equal(body.id, EDGE_NUMBERS.current);
  });

  it('knows patients without practice, and ended registrations', async () => {
    const without = await ask(EDGE_NUMBERS.withoutPractice);
    assert.equal(without.status, 200);
    assert.ok(!('generalPractitioner' in without.body));
    const ended = await ask(EDGE_NUMBERS.ended);
    const [practice] = ended.body['generalPractitioner'] as { identifier: { period: { end: string } } }[];
    assert.equal(practice?.identifier.period.end, '2026-08-12');
  });

  it('refuses as PDS does', async () => {
    const cases: [string, Record<string, string>, number, string][] = [
      ['9990000018', { 'x-request-id': '' }, 400, 'MISSING_VALUE'],
      ['9990000018', { 'x-request-id': '1234' }, 400, 'INVALID_VALUE'],
      ['9990000019', {}, 400, 'INVALID_RESOURCE_ID'],
      ['hello', {}, 400, 'INVALID_RESOURCE_ID'],
      ['9999999999', {}, 404, 'RESOURCE_NOT_FOUND'],
      [EDGE_NUMBERS.invalidated, {}, 404, 'INVALIDATED_RESOURCE'],
      ['9990000018/RelatedPerson', {}, 400, 'UNSUPPORTED_SERVICE'],
    ];
    for (const [number, headers, status, expected] of cases) {
      const answer = await ask(number, headers);
      assert.equal(answer.status, status, expected);
      assert.equal(answer.body.resourceType, 'OperationOutcome');
      assert.equal(code(answer), expected);
    }
  });

  it('gives the request id back', async () => {
    const id = randomUUID();
    assert.equal((await ask('9990000018', { 'x-request-id': id })).headers.get('x-request-id'), id);
  });

  it('throttles each application by itself, and only for a second', async () => {
    let now = 0;
    const limited = await serve(() => createPdsServer({ entries, rate: 5, now: () => now }));
    const status = async (authorization: string): Promise<number> => {
      const headers = { 'x-request-id': randomUUID(), authorization };
      return (await fetch(`${limited.origin}${PATH}/9990000018`, { headers })).status;
    };
    try {
      for (let count = 0; count < 5; count++) assert.equal(await status('Bearer one'), 200);
      assert.equal(await status('Bearer one'), 429);
      assert.equal(await status('Bearer two'), 200);
      now = 1001;
      assert.equal(await status('Bearer one'), 200);
    } finally {
      await limited.close();
    }
  });
});
