import assert from 'node:assert/strict';
import { connect } from 'node:tls';

import type { NeighbourRequest } from '../support/neighbour.ts';
import { errorCode } from '../support/viewer.ts';
import { Asking, PATIENT } from './asking.ts';
import { allergyOf, patientOf, ScriptedRecord, searchset } from './scripted-record.ts';

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
    // What the neighbour's own broker asked us at its start is past: it counts for the same second.
    await new Promise((done) => setTimeout(done, 1_100));
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
