import assert from 'node:assert/strict';

import type { ResponseClaims } from '../../src/evidence/claims.ts';
import { matchesOf } from '../support/viewer.ts';
import { Asking, type Answered, type Change } from './asking.ts';
import {
  allergyOf,
  included,
  labelled,
  patientOf,
  patientsBy,
  ScriptedRecord,
  searchset,
} from './scripted-record.ts';

const [OBJECTS, OBJECTS_UNHELD, RESTRICTED, NO_OBJECTION, OBJECTED_ONCE] = [
  '9990000026',
  '9990000034',
  '9990000042',
  '9990000018',
  '9990000050',
] as const;
const GLASS = { code: 'emergency', reason: 'unconscious in A&E' };
const DAY = 86_400_000;

const about = (nhsNumber: string): Change => ({ patient: `https://fhir.nhs.uk/Id/nhs-number|${nhsNumber}` });

describe('the listener between brokers: what is not said', () => {
  const record = new ScriptedRecord();
  let asking: Asking;

  before(async () => {
    asking = await Asking.start({ records: { 'london-care-record': record.listener } });
    for (const nhsNumber of [OBJECTS, OBJECTS_UNHELD]) await asking.object(nhsNumber);
    await asking.object(RESTRICTED, { kind: 'restriction' });
  });
  after(() => asking.stop());
  beforeEach(() => {
    record.requests.length = 0;
    record.scripts = {
      Patient: patientsBy({
        [OBJECTS]: patientOf('p1', OBJECTS),
        [RESTRICTED]: patientOf('p2', RESTRICTED),
        [NO_OBJECTION]: patientOf('p3', NO_OBJECTION),
      }),
      AllergyIntolerance: searchset(allergyOf('a3', 'p3')),
    };
  });

  /** Withheld: nothing but that, and what the audit keeps of it. */
  async function withheld(change: Change): Promise<Answered> {
    const answered = await asking.ask(change);
    const { claims, reply } = answered;
    assert.equal(claims.outcome, 'withheld');
    assert.deepEqual(sayings(claims), { outcome: 'withheld', status: 200 });
    assert.equal(reply.text, '{"resourceType":"Bundle","type":"searchset"}');
    const row = await asking.rowOf(answered.token);
    assert.deepEqual([row?.event, row?.outcome, row?.count], ['query-withheld', 'withheld', undefined]);
    return answered;
  }

  it('an objection: the same bytes and claims whether or not anything is held, and no record is asked', async () => {
    const held = await withheld(about(OBJECTS));
    const unheld = await withheld(about(OBJECTS_UNHELD));
    assert.equal(held.reply.text, unheld.reply.text);
    assert.deepEqual(Object.keys(held.claims), Object.keys(unheld.claims));
    assert.deepEqual(Object.keys(held.reply.headers), Object.keys(unheld.reply.headers));
    assert.deepEqual(record.requests, []);
  });

  it('an objection silences a read, a page and an unoffered type as well', async () => {
    const read = { record: 'london-care-record', resource: 'Binary/b1', via: 'DocumentReference/d1' };
    await withheld({ ...about(OBJECTS), search: undefined, read });
    await withheld({ ...about(OBJECTS), search: [{ id: 'x', query: 'Flag', cursor: 'AAAA' }] });
    await withheld({ ...about(OBJECTS), search: [{ id: 'x', query: 'Specimen' }] });
    assert.deepEqual(record.requests, []);
  });

  it('an objection under either number of a patient with two', async () => {
    await withheld({ ...about(NO_OBJECTION), patient_also: about(OBJECTS).patient });
    await withheld({ ...about(OBJECTS), patient_also: about(NO_OBJECTION).patient });
  });

  it('no objection that is over, or has not begun', async () => {
    record.scripts['AllergyIntolerance'] = searchset();
    await asking.object(OBJECTED_ONCE, { from: Date.now() - 2 * DAY, until: Date.now() - DAY });
    assert.equal((await asking.ask(about(OBJECTED_ONCE))).claims.outcome, 'none');
    await asking.object(OBJECTED_ONCE, { from: Date.now() + DAY });
    assert.equal((await asking.ask(about(OBJECTED_ONCE))).claims.outcome, 'none');
  });

  describe('break-glass', () => {
    beforeEach(() => {
      record.scripts['AllergyIntolerance'] = searchset(
        allergyOf('a1', 'p1'),
        allergyOf('r1', 'p1', labelled('R')),
      );
    });

    /** Whether the answer's entry says that the glass was broken; the code and the words are with the query. */
    async function glassOf(token: string): Promise<[boolean | undefined, object]> {
      const [answered, received] = [await asking.rowOf(token), await asking.receivedOf(token)];
      return [answered?.break_glass, JSON.parse(received?.values['break_glass'] ?? '{}') as object];
    }

    it('lifts an objection with an agreed role and code, never a label, and is kept', async () => {
      const { claims, reply, token } = await asking.ask({ ...about(OBJECTS), break_glass: GLASS });
      assert.equal(claims.outcome, 'partial');
      assert.deepEqual(
        matchesOf(reply.body).map(({ resource }) => resource.id),
        ['a1'],
      );
      assert.deepEqual(await glassOf(token), [true, GLASS]);
    });

    it('lifts nothing with a role that may not break it, or a code that is not agreed', async () => {
      await withheld({ ...about(OBJECTS), break_glass: GLASS, requesting_user_role: 'R8001' });
      await withheld({ ...about(OBJECTS), break_glass: { ...GLASS, code: 'curious' } });
    });

    it('never lifts a restriction', async () => {
      const { token } = await withheld({ ...about(RESTRICTED), break_glass: GLASS });
      assert.deepEqual(await glassOf(token), [true, GLASS]);
      assert.deepEqual(record.requests, []);
    });

    it('needs a reason', async () => {
      const token = await asking.token({ ...about(OBJECTS), break_glass: { code: 'emergency', reason: '' } });
      await asking.refusesSigned(400, 'bad-claims', token);
    });
  });

  describe('a Patient that the record itself restricts', () => {
    for (const label of ['R', 'V']) {
      it(`${label}: withheld as an objection is, the glass broken or not`, async () => {
        record.scripts['Patient'] = patientsBy({
          [NO_OBJECTION]: patientOf('p3', NO_OBJECTION, labelled(label)),
        });
        await withheld({});
        await withheld({ break_glass: GLASS });
      });
    }

    it('withheld too where a search fails, and where a read finds or finds nothing', async () => {
      const nameless = { resourceType: 'AllergyIntolerance' };
      record.scripts = {
        Patient: patientsBy({ [NO_OBJECTION]: patientOf('p3', NO_OBJECTION, labelled('R')) }),
        'AllergyIntolerance/a3': allergyOf('a3', 'p3'),
        'AllergyIntolerance/a4': allergyOf('a4', 'somebody-else'),
        AllergyIntolerance: (_request, response) => void response.destroy(),
      };
      await withheld({});
      record.scripts['AllergyIntolerance'] = searchset(nameless, allergyOf('a4', 'somebody-else'));
      await withheld({});
      for (const id of ['a3', 'a4', 'a5']) {
        const read = { record: 'london-care-record', resource: `AllergyIntolerance/${id}` };
        await withheld({ search: undefined, read });
      }
    });
  });

  describe('labels', () => {
    const source = { record: 'london-care-record', search: 'AllergyIntolerance' };
    const practitioner = (id: string) => ({ resourceType: 'Practitioner', id });

    it('all withheld: no total, and only that a label did it', async () => {
      record.scripts['AllergyIntolerance'] = searchset(
        allergyOf('r1', 'p3', labelled('R')),
        allergyOf('v1', 'p3', labelled('V')),
      );
      const { claims, reply } = await asking.ask();
      assert.deepEqual(claims.sources, [{ ...source, outcome: 'withheld', count: 0, reason: 'label' }]);
      assert.equal(reply.body['entry'], undefined);
    });

    it('a part withheld: it and what only it refers to stay', async () => {
      record.scripts['AllergyIntolerance'] = searchset(
        allergyOf('r1', 'p3', { ...labelled('R'), recorder: { reference: 'Practitioner/clinic' } }),
        allergyOf('n1', 'p3', { ...labelled('N'), recorder: { reference: 'Practitioner/gp' } }),
        included(practitioner('clinic')),
        included(practitioner('gp')),
      );
      const { claims, reply } = await asking.ask();
      assert.deepEqual(claims.sources, [{ ...source, outcome: 'partial', count: 1, reason: 'label' }]);
      assert.doesNotMatch(reply.text, /"r1"|"clinic"/);
      assert.match(reply.text, /"n1".*"gp"/);
    });

    it('a label among others counts', async () => {
      const { meta } = labelled('V');
      const security = [{ system: 'https://example.org/other', code: 'N' }, ...(meta?.security ?? [])];
      record.scripts['AllergyIntolerance'] = searchset(allergyOf('v1', 'p3', { meta: { security } }));
      const { claims } = await asking.ask();
      // Overall it is no `withheld`, which says nothing of any source: an objection and a label read differently.
      assert.deepEqual([claims.outcome, claims.sources?.[0]?.outcome], ['partial', 'withheld']);
    });

    for (const system of [
      undefined,
      'http://hl7.org/fhir/v3/Confidentiality',
      'urn:oid:2.16.840.1.113883.5.25',
    ]) {
      it(`a label under ${system ?? 'no system'} counts`, async () => {
        const label = { ...(system === undefined ? {} : { system }), code: 'R' };
        record.scripts['AllergyIntolerance'] = searchset(
          allergyOf('r1', 'p3', { meta: { security: [label] } }),
        );
        const { claims, reply } = await asking.ask();
        assert.equal(claims.sources?.[0]?.outcome, 'withheld');
        assert.equal(reply.body['entry'], undefined);
      });
    }

    it('is not told of a search by content: it would answer whether the patient has a withheld one', async () => {
      record.scripts['AllergyIntolerance'] = searchset(allergyOf('r1', 'p3', labelled('R')));
      const search = [{ id: 'filtered', query: 'AllergyIntolerance?code=91936005' }];
      const { claims } = await asking.ask({ search });
      assert.deepEqual(claims.sources, [
        { ...source, search: 'filtered', outcome: 'none', count: 0, total: 0 },
      ]);
    });
  });

  it('and a patient without objections is answered as before', () => asking.stillAnswers());
});

/** What a response says, without what binds it to its query and its moment. */
function sayings(claims: ResponseClaims): object {
  const binding = [
    'iss',
    'aud',
    'iat',
    'exp',
    'jti',
    'stmt',
    'cnf',
    'query_jti',
    'query_digest',
    'body_digest',
  ];
  return Object.fromEntries(Object.entries(claims).filter(([name]) => !binding.includes(name)));
}
