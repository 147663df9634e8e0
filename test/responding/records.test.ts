import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import https from 'node:https';

import type { ResponseClaims } from '../../src/evidence/claims.ts';
import { Asking, PATIENT } from './asking.ts';
import { allergyOf, patientOf, ScriptedRecord, searchset, sendJson, type Script } from './scripted-record.ts';

const BROKEN = 'mid-south-essex';
const SOUND = 'suffolk-north-east-essex';
const MEGABYTE = Buffer.alloc(1024 * 1024, 0x20);
const RECORD_MS = 1_500;

const sending = (status: number, type: string, body: string | Buffer): Script => {
  return (_request, response) => void response.writeHead(status, { 'Content-Type': type }).end(body);
};
const json = (body: string): Script => sending(200, 'application/fhir+json', body);
const bundle = (entries: string): Script => json(`{"resourceType":"Bundle","entry":${entries}}`);

describe('the listener between brokers: a record that fails', () => {
  const broken = new ScriptedRecord();
  const sound = new ScriptedRecord();
  let asking: Asking;
  let decoy: Server;
  let decoyed = 0;

  before(async () => {
    asking = await Asking.start({
      to: 'essex-suffolk',
      records: { [BROKEN]: broken.listener, [SOUND]: sound.listener },
      edit: (_region, config) => {
        for (const record of config['records'] as Record<string, unknown>[]) {
          // The circuit stays closed here: each failure is to be seen by itself.
          record['breaker'] = { volume_threshold: 10_000 };
          record['timeout_ms'] = RECORD_MS;
        }
        for (const { agreement } of config['neighbours'] as { agreement: { care_settings: string[] } }[]) {
          agreement.care_settings.push('sexual-health');
        }
      },
    });
    decoy = createServer((_request, response) => {
      decoyed += 1;
      sendJson(response, searchset(patientOf('p1', PATIENT)));
    });
    await once(decoy.listen(0, '127.0.0.1'), 'listening');
  });
  after(async () => {
    await asking.stop();
    decoy.close();
  });
  beforeEach(() => {
    for (const record of [broken, sound]) {
      record.requests.length = 0;
      record.scripts = {
        Patient: searchset(patientOf('p1', PATIENT)),
        AllergyIntolerance: searchset(allergyOf('a1', 'p1')),
      };
    }
  });

  const sourceOf = ({ sources }: ResponseClaims, record: string) =>
    sources?.find((one) => one.record === record);

  async function failsAlone(reason: string, headers: Record<string, string> = {}): Promise<void> {
    const { claims, reply } = await asking.ask({}, { headers });
    assert.equal(claims.outcome, 'partial');
    assert.deepEqual(sourceOf(claims, BROKEN), {
      record: BROKEN,
      search: 'AllergyIntolerance',
      outcome: 'not-reached',
      count: 0,
      reason,
    });
    assert.deepEqual([sourceOf(claims, SOUND)?.outcome, sourceOf(claims, SOUND)?.count], ['answered', 1]);
    assert.ok(!reply.text.includes(`/${BROKEN}/`));
  }

  const faults: readonly [name: string, reason: string, script: Script][] = [
    ['answers HTML', 'fault', sending(200, 'text/html', '<html><body>Please sign in</body></html>')],
    ['answers nothing', 'fault', json('')],
    ['answers null', 'fault', json('null')],
    ['answers JSON that is no resource', 'fault', json('{"entry":[]}')],
    ['answers a resource that is no Bundle', 'fault', json('{"resourceType":"List"}')],
    ['answers a Bundle with entries that are none', 'fault', bundle('[null]')],
    ['answers a Bundle with entries that are no list', 'fault', bundle('{"0":{}}')],
    ['answers a Bundle with a resource of no type', 'fault', bundle('[{"resource":{"id":"a1"}}]')],
    ['answers half a JSON', 'fault', json('{"resourceType":"Bundle","entry":[{"resource":{"resou')],
    ['answers a hundred thousand brackets', 'fault', bundle(`${'['.repeat(1e5)}${']'.repeat(1e5)}`)],
    [
      'answers a body that is compressed',
      'fault',
      (_request, response) => void response.writeHead(200, { 'Content-Encoding': 'gzip' }).end('\x1f\x8b'),
    ],
    ['hangs up at once', 'fault', (_request, response) => void response.destroy()],
    [
      'hangs up within the body',
      'fault',
      (_request, response) => {
        response.writeHead(200, { 'Content-Length': 1000 });
        response.write('{"resourceType"', () => response.destroy());
      },
    ],
    [
      'hangs up between chunks',
      'fault',
      (_request, response) => void response.write('{"resourceType"', () => response.destroy()),
    ],
    ['speaks no HTTP', 'fault', (_request, response) => void response.socket?.end('SSH-2.0-OpenSSH\r\n')],
    [
      'answers a flood of headers',
      'fault',
      (_request, response) => void response.writeHead(200, { 'X-Flood': 'x'.repeat(200_000) }).end('{}'),
    ],
    [
      'answers 20 MB',
      'fault',
      sending(200, 'application/fhir+json', Buffer.concat(Array<Buffer>(20).fill(MEGABYTE))),
    ],
    ['answers without end', 'fault', (_request, response) => endless(response)],
    ['fails: 500', 'fault', sending(500, 'application/json', '{}')],
    ['refuses: 403', 'fault', sending(403, 'application/json', '{}')],
    ['does not know the path: 404', 'fault', sending(404, 'application/json', '{}')],
    ['is busy: 429', 'busy', sending(429, 'application/json', '{}')],
    ['is busy: 503', 'busy', sending(503, 'application/json', '{}')],
    ['sends us elsewhere: 302', 'fault', (_request, response) => elsewhere(response, 302)],
    ['sends us elsewhere: 308', 'fault', (_request, response) => elsewhere(response, 308)],
  ];
  for (const asked of ['AllergyIntolerance', 'Patient']) {
    describe(`asked for ${asked}, the other record being answered as ever`, () => {
      for (const [name, reason, script] of faults) {
        it(name, async () => {
          broken.scripts[asked] = script;
          await failsAlone(reason);
          assert.equal(decoyed, 0);
        });
      }

      it('never answers: the budget is kept, and the record sees its connection closed', async () => {
        const closed = hanging(asked);
        const started = performance.now();
        await failsAlone('timeout', { 'Wayleave-Budget-Ms': '400' });
        assert.ok(performance.now() - started < RECORD_MS);
        await closed;
      });

      it('answers a byte at a time: its own time is kept, and the connection closed', async () => {
        let dripping: NodeJS.Timeout | undefined;
        const closed = new Promise((done) => {
          broken.scripts[asked] = (_request, response) => {
            response.writeHead(200);
            dripping = setInterval(() => response.write(' '), 50);
            response.on('close', done);
          };
        });
        const started = performance.now();
        await failsAlone('timeout', { 'Wayleave-Budget-Ms': '20000' });
        assert.ok(performance.now() - started < 2 * RECORD_MS);
        await closed;
        clearInterval(dripping);
      });
    });
  }

  it('fails to name its Patient long before it answers the search: the answer waits for neither', async () => {
    broken.scripts['Patient'] = sending(200, 'text/html', '<html></html>');
    broken.scripts['AllergyIntolerance'] = () => undefined;
    const started = performance.now();
    await failsAlone('fault');
    assert.ok(performance.now() - started < RECORD_MS);
  });

  describe('what a record says of its page never makes the whole answer unbelievable', () => {
    const said: readonly [name: string, more: object, expected: object][] = [
      ['a total below nothing', { total: -1 }, { total: 1 }],
      ['a total in text', { total: '1' }, { total: 1 }],
      ['a time that is a tale', { meta: { lastUpdated: 'x'.repeat(5000) } }, { as_of: undefined }],
      [
        'a next link of 3,000 characters',
        { link: [{ relation: 'next', url: `AllergyIntolerance?x=${'x'.repeat(3000)}` }] },
        { outcome: 'partial', cursor: undefined, reason: 'paging' },
      ],
      [
        'a total of a page, and half a resource',
        { total: 1.5, link: [{ relation: 'next', url: 'AllergyIntolerance?p=2' }] },
        { total: undefined },
      ],
      [
        'links that are none',
        { link: [null, 1, { relation: 'next' }, { relation: 'next', url: 7 }] },
        { outcome: 'answered' },
      ],
    ];
    for (const [name, more, expected] of said) {
      it(name, async () => {
        broken.scripts['AllergyIntolerance'] = { ...searchset(allergyOf('a1', 'p1')), ...more };
        const source: object = sourceOf((await asking.ask()).claims, BROKEN) ?? {};
        for (const [key, value] of Object.entries(expected)) assert.equal(Reflect.get(source, key), value);
      });
    }

    for (const depth of [100, 200, 500, 2_000, 3_500, 5_000, 8_000, 20_000]) {
      it(`a resource ${depth} levels deep`, async () => {
        const { claims } = await asking.ask();
        assert.equal(sourceOf(claims, SOUND)?.outcome, 'answered');
        broken.scripts['AllergyIntolerance'] = bundle(
          `[{"resource":{"resourceType":"AllergyIntolerance","id":"a1","patient":{"reference":"Patient/p1"},"extension":${'['.repeat(depth)}${']'.repeat(depth)}}}]`,
        );
        const deep = await asking.ask();
        assert.equal(sourceOf(deep.claims, SOUND)?.outcome, 'answered');
        assert.equal(sourceOf(deep.claims, BROKEN)?.outcome, 'not-reached');
      });
    }
  });

  it('the caller hangs up: work at the record stops', async () => {
    const closed = hanging('AllergyIntolerance');
    const token = await asking.token();
    const request = https.request({
      host: '127.0.0.1',
      port: asking.federation.broker(asking.to).ports.federation,
      path: '/federation/v1/query',
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'Wayleave-Budget-Ms': '20000' },
      checkServerIdentity: () => undefined,
      ...asking.neighbour.tls(asking.to),
    });
    request.on('error', () => undefined);
    request.end(JSON.stringify({ query: token }));
    while (!broken.requests.some((path) => path.startsWith('AllergyIntolerance'))) {
      await new Promise((done) => setTimeout(done, 5));
    }
    const started = performance.now();
    request.destroy();
    await closed;
    assert.ok(performance.now() - started < RECORD_MS / 2);
  });

  it('and both records are answered as before', () => asking.stillAnswers());

  /** A record that takes a request and never answers it. @returns resolves when it sees its connection closed */
  function hanging(asked: string): Promise<unknown> {
    return new Promise((done) => {
      broken.scripts[asked] = (_request, response) => void response.on('close', done);
    });
  }

  function elsewhere(response: ServerResponse, status: number): void {
    const { port } = decoy.address() as AddressInfo;
    response.writeHead(status, { Location: `http://127.0.0.1:${port}/fhir/Patient` }).end();
  }

  function endless(response: ServerResponse): void {
    const more = (): void => {
      if (!response.destroyed) response.write(MEGABYTE, more);
    };
    more();
  }
});
