import assert from 'node:assert/strict';
import { connect } from 'node:tls';
import { gzipSync } from 'node:zlib';

import type { NeighbourRequest } from '../support/neighbour.ts';
import { errorCode } from '../support/viewer.ts';
import { Asking, PATIENT } from './asking.ts';
import { allergyOf, patientOf, ScriptedRecord, searchset } from './scripted-record.ts';

const MEGABYTE = 1024 * 1024;
const PATH = '/federation/v1/query';
const RATE = 5;

describe('the listener between brokers: what it takes', () => {
  const record = new ScriptedRecord();
  let asking: Asking;

  before(async () => {
    asking = await Asking.start({
      regions: ['herts-west-essex', 'london', 'essex-suffolk'],
      records: { 'london-care-record': record.listener },
      edit: (region, config) => {
        const neighbours = config['neighbours'] as { region: string; rate_per_second?: number }[];
        const essex = neighbours.find((neighbour) => neighbour.region === 'essex-suffolk');
        if (region === 'london' && essex !== undefined) essex.rate_per_second = RATE;
      },
    });
    record.scripts = {
      Patient: searchset(patientOf('p1', PATIENT)),
      AllergyIntolerance: searchset(allergyOf('a1', 'p1')),
    };
  });
  after(() => asking.stop());
  beforeEach(() => void (record.requests.length = 0));

  describe('bodies', () => {
    const good = async (): Promise<string> => JSON.stringify(await asking.token());
    const cases: readonly [
      name: string,
      status: number,
      code: string,
      body: () => Promise<string | Buffer>,
    ][] = [
      ['20 MB', 413, 'too-large', async () => `{"query":"${'x'.repeat(20 * MEGABYTE)}"}`],
      ['a little too much', 413, 'too-large', async () => `{"query":"${'x'.repeat(256 * 1024)}"}`],
      ['10,000 searches in one query', 413, 'too-large', () => tenThousand()],
      ['a query of a hundred thousand brackets', 400, 'malformed', async () => `{"query":${nested(1e5)}}`],
      ['a hundred thousand brackets', 400, 'malformed', async () => nested(1e5)],
      ['a hundred thousand brackets, half of them', 400, 'bad-json', async () => '['.repeat(1e5)],
      [
        'a good query behind __proto__',
        400,
        'malformed',
        async () => `{"__proto__":{"query":${await good()}}}`,
      ],
      [
        'a good query behind constructor',
        400,
        'malformed',
        async () => `{"constructor":{"prototype":{"query":${await good()}}}}`,
      ],
      ['a good query in a list', 400, 'malformed', async () => `[{"query":${await good()}}]`],
      ['two good queries', 400, 'malformed', async () => `{"query":[${await good()},${await good()}]}`],
      [
        'a query, and another of the same name that is none',
        400,
        'malformed',
        async () => `{"query":${await good()},"query":"x"}`,
      ],
      ['nothing', 400, 'malformed', async () => ''],
      ['text', 400, 'bad-json', async () => 'hello'],
      ['a JSON text', 400, 'bad-json', async () => good()],
      ['null', 400, 'bad-json', async () => 'null'],
      ['half a JSON', 400, 'bad-json', async () => `{"query":${await good()}`],
    ];
    for (const [name, status, code, body] of cases) {
      it(name, async () => {
        const sent = await body();
        await asking.refusesUnsigned(status, code, () => asking.send(undefined, { body: sent }));
        assert.deepEqual(record.requests, []);
      });
    }

    it('20 MB that come as 20 kB', async () => {
      const body = gzipSync(Buffer.alloc(20 * MEGABYTE, 0x20));
      const sent = { body, headers: { 'Content-Encoding': 'gzip' } };
      await asking.refusesUnsigned(413, 'too-large', () => asking.send(undefined, sent));
    });

    it('a name twice: the last counts, here as everywhere in JSON', async () => {
      const reply = await asking.send(undefined, { body: `{"query":"x","query":${await good()}}` });
      assert.equal(reply.status, 200);
    });

    async function tenThousand(): Promise<string> {
      const search = Array.from({ length: 10_000 }, (_, at) => ({ id: `s${at}`, query: 'Flag' }));
      return JSON.stringify({ query: await asking.token({ search }) });
    }
  });

  describe('media types', () => {
    const cases: readonly [name: string, headers: Record<string, string>][] = [
      ['plain text', { 'Content-Type': 'text/plain' }],
      ['a form', { 'Content-Type': 'application/x-www-form-urlencoded' }],
      ['a JWT', { 'Content-Type': 'application/jwt' }],
      ['FHIR in XML', { 'Content-Type': 'application/fhir+xml' }],
      ['nothing that is a type', { 'Content-Type': 'json' }],
      ['JSON in another character set', { 'Content-Type': 'application/json; charset=iso-8859-1' }],
      ['JSON in an unknown encoding', { 'Content-Encoding': 'compress' }],
    ];
    for (const [name, headers] of cases) {
      it(name, async () => {
        const token = await asking.token();
        await asking.refusesUnsigned(415, 'unsupported-media', () => asking.send(token, { headers }));
      });
    }
  });

  describe('addresses and methods', () => {
    const paths = [
      '/',
      '/federation/v1',
      '/federation/v1/',
      '/federation/v2/query',
      '/Federation/v1/query',
      '/fhir/Patient',
      '/federation/v1/query/x',
      '/federation/v1/../../etc/passwd',
      '/%2e%2e/',
    ];
    for (const path of paths) {
      it(`POST ${path}`, async () => {
        const token = await asking.token();
        await asking.refusesUnsigned(404, 'not-found', () => asking.send(token, { path }));
      });
    }
    for (const method of ['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND']) {
      it(`${method} ${PATH}`, async () => {
        const refused = asking.refusesUnsigned(405, 'method-not-allowed', () =>
          asking.send('', { method, body: '' }),
        );
        assert.equal((await refused).headers['allow'], 'POST');
      });
    }
  });

  describe('what is no readable HTTP is answered with an OperationOutcome, and counted by what was wrong', () => {
    const flood: readonly [name: string, request: NeighbourRequest][] = [
      ['a header of 40 kB', { headers: { 'X-Flood': 'x'.repeat(40_000) } }],
      [
        'ten thousand headers',
        { headers: Object.fromEntries(Array.from({ length: 10_000 }, (_, at) => [`x-${at}`, 'x'])) },
      ],
      ['an address of 40 kB', { path: `${PATH}?${'x'.repeat(40_000)}` }],
    ];
    for (const [name, request] of flood) {
      it(name, async () => {
        const token = await asking.token();
        const rows = await asking.rows();
        const counted = await asking.countsOne(async () => {
          const reply = await asking.send(token, request);
          assert.deepEqual([reply.status, errorCode(reply.body)], [431, 'headers-too-large']);
        });
        assert.equal(counted, 'federation-HPE_HEADER_OVERFLOW');
        assert.deepEqual(await asking.rows(), rows);
      });
    }

    const raw: readonly [name: string, text: string, code: string][] = [
      ['no HTTP at all', 'SSH-2.0-OpenSSH_9.6\r\n\r\n', 'HPE_INVALID_METHOD'],
      [
        'two lengths',
        `POST ${PATH} HTTP/1.1\r\nHost: l\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx`,
        'HPE_UNEXPECTED_CONTENT_LENGTH',
      ],
      [
        'a length and chunks',
        `POST ${PATH} HTTP/1.1\r\nHost: l\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
        'HPE_INVALID_TRANSFER_ENCODING',
      ],
      [
        'a header without a name',
        `POST ${PATH} HTTP/1.1\r\nHost: l\r\n: x\r\n\r\n`,
        'HPE_INVALID_HEADER_TOKEN',
      ],
    ];
    for (const [name, text, code] of raw) {
      it(name, async () => {
        let answer = '';
        const counted = await asking.countsOne(async () => (answer = await overTls(text)));
        assert.equal(counted, `federation-${code}`);
        assert.match(answer, /^HTTP\/1\.1 400 .*\r\n\r\n\{"resourceType":"OperationOutcome".*"bad-request"/s);
      });
    }
  });

  describe('budgets', () => {
    for (const budget of [
      'soon',
      '-1',
      '1.5',
      '1e3',
      '0x10',
      '',
      '9999999',
      '99999999999999999999',
      '1, 2',
    ]) {
      it(`refuses "${budget}"`, async () => {
        const sent = { headers: { 'Wayleave-Budget-Ms': budget } };
        const token = await asking.token();
        await asking.refusesUnsigned(400, 'bad-request', () => asking.send(token, sent));
        assert.equal((await asking.send(token)).status, 200);
      });
    }

    it('0: an answer at once, and it says that the record was not reached', async () => {
      const { scripts } = record;
      record.scripts = { ...scripts, AllergyIntolerance: () => undefined };
      const { claims } = await asking.ask({}, { headers: { 'Wayleave-Budget-Ms': '0' } });
      record.scripts = scripts;
      assert.deepEqual([claims.outcome, claims.sources?.[0]?.reason], ['not-reached', 'timeout']);
    });

    it('999999: answered as ever', async () => {
      const { claims } = await asking.ask({}, { headers: { 'Wayleave-Budget-Ms': '999999' } });
      assert.equal(claims.outcome, 'answered');
    });
  });

  it("a neighbour's flood is throttled and counted, and costs no other neighbour anything", async () => {
    const essex = asking.by('essex-suffolk');
    const tokens = await Promise.all(Array.from({ length: 4 * RATE }, () => essex.token()));
    const before = (await asking.counts())['throttled'] ?? 0;
    const [replies] = await Promise.all([
      Promise.all(tokens.map((token) => essex.send(token))),
      asking.stillAnswers(),
    ]);
    const throttled = replies.filter(({ status }) => status === 429);
    assert.ok(throttled.length > 0 && throttled.length <= 3 * RATE);
    assert.ok(replies.every(({ status }) => status === 200 || status === 429));
    for (const reply of throttled) assert.equal(errorCode(reply.body), 'throttled');
    assert.equal((await asking.counts())['throttled'], before + throttled.length);
    await new Promise((done) => setTimeout(done, 1_100));
    assert.equal((await essex.ask()).claims.outcome, 'answered');
  });

  it('and a good query is answered as before', () => asking.stillAnswers());

  async function overTls(text: string): Promise<string> {
    const port = asking.federation.broker(asking.to).ports.federation;
    const socket = connect({
      host: '127.0.0.1',
      port,
      ...asking.neighbour.tls(asking.to),
      checkServerIdentity: () => undefined,
    });
    socket.write(text);
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString();
  }
});

function nested(depth: number): string {
  return '['.repeat(depth) + ']'.repeat(depth);
}
