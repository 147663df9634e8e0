import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';

import { Asking, PATIENT } from './asking.ts';
import { allergyOf, patientOf, ScriptedRecord, searchset } from './scripted-record.ts';

const MEGABYTE = 1024 * 1024;

describe('the listener between brokers: which bodies it takes', () => {
  const record = new ScriptedRecord();
  let asking: Asking;

  before(async () => {
    asking = await Asking.start({ records: { 'london-care-record': record.listener } });
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

  it('and a good body is answered as before', () => asking.stillAnswers());
});

function nested(depth: number): string {
  return '['.repeat(depth) + ']'.repeat(depth);
}
