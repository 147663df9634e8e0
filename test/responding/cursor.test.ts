import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { matchesOf } from '../support/viewer.ts';
import { Asking, PATIENT, type Change } from './asking.ts';
import { allergyOf, patientOf, ScriptedRecord, searchset, sendJson, type Script } from './scripted-record.ts';

const MINUTE = 60_000;
const FIRST = 'mid-south-essex';
const SECOND = 'suffolk-north-east-essex';
const OTHER: Change = { patient: 'https://fhir.nhs.uk/Id/nhs-number|9990000026' };

interface Search {
  readonly id: string;
  readonly query: string;
  readonly record?: string;
  readonly cursor?: string;
}

const asked: Search = { id: 'AllergyIntolerance', query: 'AllergyIntolerance', record: FIRST };

describe('the listener between brokers: the next page', () => {
  const records = { [FIRST]: new ScriptedRecord(), [SECOND]: new ScriptedRecord() };
  let asking: Asking;
  let decoy: Server;
  let decoyed = 0;
  let ahead = 0;

  before(async () => {
    asking = await Asking.start({
      to: 'essex-suffolk',
      regions: ['herts-west-essex', 'essex-suffolk', 'london'],
      records: { [FIRST]: records[FIRST].listener, [SECOND]: records[SECOND].listener },
      now: () => Date.now() + ahead,
    });
    decoy = createServer((_request, response) => {
      decoyed += 1;
      sendJson(response, searchset(allergyOf('decoy', 'p1')));
    });
    await once(decoy.listen(0, '127.0.0.1'), 'listening');
  });
  after(async () => {
    await asking.stop();
    decoy.close();
  });
  afterEach(() => (ahead = 0));
  beforeEach(() => {
    for (const record of Object.values(records)) {
      record.requests.length = 0;
      record.scripts = {
        Patient: searchset(patientOf('p1', PATIENT)),
        AllergyIntolerance: paged((host) => `http://${host}/fhir/AllergyIntolerance?patient=p1&page=2`),
      };
    }
  });

  /** One allergy a page; the first page says where the next is. */
  function paged(next: (host: string) => string): Script {
    return (request, response) => {
      if (/[?&]page=2/.test(request.url ?? '')) return sendJson(response, searchset(allergyOf('a2', 'p1')));
      const link = [{ relation: 'next', url: next(request.headers.host ?? '') }];
      sendJson(response, { ...searchset(allergyOf('a1', 'p1')), total: 2, link });
    };
  }

  const searching = (search: Search, more: Change = {}): Change => ({ search: [search], ...more });
  const cursorOf = async (search: Search = asked): Promise<string> => {
    const { claims } = await asking.ask(searching(search));
    const [source] = claims.sources ?? [];
    assert.deepEqual([source?.outcome, source?.count], ['answered', 1]);
    assert.ok(source?.cursor);
    return source.cursor;
  };

  it('is given for the cursor of the page before, again and again until it expires', async () => {
    const cursor = await cursorOf();
    for (ahead of [0, 0, 9 * MINUTE]) {
      const { claims, reply } = await asking.ask(searching({ ...asked, cursor }));
      assert.deepEqual(
        matchesOf(reply.body).map(({ resource }) => resource.id),
        ['a2'],
      );
      assert.equal(claims.sources?.[0]?.cursor, undefined);
    }
    ahead = 11 * MINUTE;
    await asking.refusesSigned(400, 'page-unreadable', await asking.token(searching({ ...asked, cursor })));
  });

  it("tells the asker nothing of the record's address or of the patient", async () => {
    const { reply } = await asking.ask(searching(asked));
    const cursor = await cursorOf();
    const { port } = new URL(asking.federation.config('essex-suffolk').records[0]?.base ?? '');
    for (const text of [cursor, Buffer.from(cursor, 'base64url').toString('latin1'), reply.text]) {
      assert.ok(!text.includes('page=2') && !text.includes(`:${port}`), 'an address of the record');
    }
  });

  describe('is refused, and not asked for, with the cursor of', () => {
    const cases: readonly [name: string, search: Search, more?: Change][] = [
      ['another patient', asked, OTHER],
      ['another search', { ...asked, id: 'other' }],
      ['another type', { ...asked, query: 'Flag' }],
      ['other parameters', { ...asked, query: 'AllergyIntolerance?clinical-status=active' }],
      ['another record', { ...asked, record: SECOND }],
      ['one record for both', { id: asked.id, query: asked.query }],
    ];
    for (const [name, search, more] of cases) {
      it(name, async () => {
        const cursor = await cursorOf();
        const token = await asking.token(searching({ ...search, cursor }, more));
        await asking.refusesSigned(400, 'page-unreadable', token);
        assert.deepEqual(secondPages(SECOND), []);
        if (search.record !== undefined) assert.deepEqual(secondPages(FIRST), []);
      });
    }

    it('another neighbour', async () => {
      const cursor = await cursorOf();
      const london = asking.by('london');
      await london.refusesSigned(400, 'page-unreadable', await london.token(searching({ ...asked, cursor })));
      assert.deepEqual(secondPages(FIRST), []);
    });
  });

  describe('is refused with a cursor that is', () => {
    const flipped = (cursor: string, at: number): string => {
      const bytes = Buffer.from(cursor, 'base64url');
      bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
      return bytes.toString('base64url');
    };
    const cases: readonly [name: string, change: (cursor: string) => string][] = [
      ['changed at its beginning', (cursor) => flipped(cursor, 0)],
      ['changed within', (cursor) => flipped(cursor, 40)],
      ['changed at its end', (cursor) => flipped(cursor, Buffer.from(cursor, 'base64url').length - 1)],
      ['cut short', (cursor) => cursor.slice(0, -4)],
      ['shorter than any', () => 'AAAA'],
      ['longer than it was', (cursor) => `${cursor}AAAA`],
      ['two in one', (cursor) => cursor + cursor],
      ['empty', () => ''],
      ['an address', () => 'http://127.0.0.1/fhir/AllergyIntolerance?patient=p2'],
    ];
    for (const [name, change] of cases) {
      it(name, async () => {
        const cursor = change(await cursorOf());
        await asking.refusesSigned(
          400,
          'page-unreadable',
          await asking.token(searching({ ...asked, cursor })),
        );
        assert.deepEqual(secondPages(FIRST), []);
      });
    }
  });

  describe('is never looked for where a record points to', () => {
    const elsewhere = (): string => `127.0.0.1:${(decoy.address() as AddressInfo).port}`;
    const cases: readonly [name: string, next: (host: string) => string][] = [
      ['another host', () => `http://${elsewhere()}/fhir/AllergyIntolerance?page=2`],
      ['another host without a scheme', () => `//${elsewhere()}/fhir/AllergyIntolerance?page=2`],
      [
        'another host behind its own name',
        (host) => `http://${host}@${elsewhere()}/fhir/AllergyIntolerance?page=2`,
      ],
      ['another scheme', (host) => `https://${host}/fhir/AllergyIntolerance?page=2`],
      ['a file', () => 'file:///etc/hostname'],
      ['another path of its host', (host) => `http://${host}/admin?page=2`],
      ['a path above its own', (host) => `http://${host}/fhir/../admin?page=2`],
      ['an encoded path above its own', (host) => `http://${host}/fhir/%2e%2e/admin?page=2`],
      ['a path that begins like its own', (host) => `http://${host}/fhirs/AllergyIntolerance?page=2`],
      ['nothing that is an address', () => 'http://'],
    ];
    for (const [name, next] of cases) {
      it(name, async () => {
        records[FIRST].scripts['AllergyIntolerance'] = paged(next);
        const { claims } = await asking.ask(searching(asked));
        assert.deepEqual(claims.sources, [
          { record: FIRST, search: asked.id, outcome: 'partial', count: 1, reason: 'paging' },
        ]);
        assert.deepEqual([decoyed, secondPages(FIRST)], [0, []]);
      });
    }

    it("another patient's page of its own: the page fails the subject check", async () => {
      const cursor = await cursorOf();
      records[FIRST].scripts['AllergyIntolerance'] = searchset(allergyOf('x', 'p2'));
      const { claims } = await asking.ask(searching({ ...asked, cursor }));
      assert.deepEqual(claims.sources, [
        { record: FIRST, search: asked.id, outcome: 'not-reached', count: 0, reason: 'fault' },
      ]);
    });
  });

  it('and a first page is answered as before', () => asking.stillAnswers());

  /** What reached a record beyond first pages and the Patient. */
  function secondPages(record: keyof typeof records): string[] {
    return records[record].requests.filter(
      (path) => !/^(Patient|AllergyIntolerance)\?(?!.*page=2)/.test(path),
    );
  }
});
