import assert from 'node:assert/strict';

import type { Resource } from '../../src/fhir/resource.ts';
import { matchesOf } from '../support/viewer.ts';
import { Asking, PATIENT, type Answered } from './asking.ts';
import { labelled, patientOf, patientsBy, ScriptedRecord, sendJson } from './scripted-record.ts';

const RECORD = 'london-care-record';
const OTHER = '9990000026';

const condition = (id: string, patient: string, more: object = {}): Resource => ({
  resourceType: 'Condition',
  id,
  subject: { reference: `Patient/${patient}` },
  ...more,
});
const document = (id: string, patient: string, url: string, more: object = {}): Resource => ({
  resourceType: 'DocumentReference',
  id,
  subject: { reference: `Patient/${patient}` },
  content: [{ attachment: { url } }],
  ...more,
});
const binary = (id: string, more: object = {}): Resource => ({
  resourceType: 'Binary',
  id,
  data: 'AA==',
  ...more,
});

describe('the listener between brokers: reading one resource', () => {
  const record = new ScriptedRecord();
  let asking: Asking;

  before(async () => {
    asking = await Asking.start({ records: { [RECORD]: record.listener } });
  });
  after(() => asking.stop());
  beforeEach(() => {
    record.requests.length = 0;
    record.scripts = {
      Patient: patientsBy({ [PATIENT]: patientOf('p1', PATIENT), [OTHER]: patientOf('p2', OTHER) }),
      'Patient/p1': patientOf('p1', PATIENT),
      'Patient/p2': patientOf('p2', OTHER),
      'Binary/b1': binary('b1'),
      'Binary/b2': binary('b2'),
      'Practitioner/gp': { resourceType: 'Practitioner', id: 'gp' },
      'Organization/o1': { resourceType: 'Organization', id: 'o1', logo: { url: 'Binary/b2' } },
      'DocumentReference/d1': document('d1', 'p1', 'Binary/b1'),
      'DocumentReference/d2': document('d2', 'p2', 'Binary/b2'),
      'Condition/c1': condition('c1', 'p1', { recorder: { reference: 'Practitioner/gp' } }),
      'Condition/c2': condition('c2', 'p2', { recorder: { reference: 'Practitioner/other' } }),
    };
  });

  const reading = (resource: string, via?: string, from = RECORD) => ({
    search: undefined,
    read: { record: from, resource, ...(via === undefined ? {} : { via }) },
  });
  const read = (resource: string, via?: string): Promise<Answered> => asking.ask(reading(resource, via));

  describe("the patient's own", () => {
    const cases: readonly [name: string, resource: string, via: string | undefined, released: string[]][] = [
      ['a Condition', 'Condition/c1', undefined, ['Condition/c1', 'Patient/p1']],
      ['the Patient', 'Patient/p1', undefined, ['Patient/p1']],
      [
        'a Binary via its document',
        'Binary/b1',
        'DocumentReference/d1',
        ['DocumentReference/d1', 'Patient/p1', 'Binary/b1'],
      ],
      [
        'a Practitioner via a Condition',
        'Practitioner/gp',
        'Condition/c1',
        ['Condition/c1', 'Patient/p1', 'Practitioner/gp'],
      ],
      [
        'a Condition via something else',
        'Condition/c1',
        'DocumentReference/d2',
        ['Condition/c1', 'Patient/p1'],
      ],
    ];
    for (const [name, resource, via, released] of cases) {
      it(name, async () => {
        const { claims, reply } = await read(resource, via);
        assert.equal(claims.outcome, 'answered');
        const entries = (reply.body['entry'] as { resource: Resource }[]).map((entry) => entry.resource);
        assert.deepEqual(
          entries.map(({ resourceType, id }) => `${resourceType}/${id}`),
          released,
        );
      });
    }
  });

  describe("what is not this patient's is as good as not there, to the byte", () => {
    const cases: readonly [name: string, resource: string, via?: string][] = [
      ['nothing of that name', 'Condition/c9'],
      ["another patient's Condition", 'Condition/c2'],
      ["another patient's Condition via our own document", 'Condition/c2', 'DocumentReference/d1'],
      ['another Patient', 'Patient/p2'],
      ["another patient's document", 'DocumentReference/d2'],
      ["another patient's Binary via that patient's document", 'Binary/b2', 'DocumentReference/d2'],
      ["another patient's Binary via our own document", 'Binary/b2', 'DocumentReference/d1'],
      ["another patient's Binary via a document that is not there", 'Binary/b2', 'DocumentReference/d9'],
      ["another patient's Binary via the other Patient", 'Binary/b2', 'Patient/p2'],
      ['our own Binary via another patient', 'Binary/b1', 'DocumentReference/d2'],
      ['a Practitioner via a Condition that does not refer to it', 'Practitioner/gp', 'DocumentReference/d1'],
    ];
    for (const [name, resource, via] of cases) {
      it(name, async () => {
        const { claims, reply } = await read(resource, via);
        assert.equal(reply.text, '{"resourceType":"Bundle","type":"searchset"}');
        assert.equal(claims.outcome, 'none');
        assert.deepEqual(claims.sources, [{ record: RECORD, search: 'read', outcome: 'none', count: 0 }]);
      });
    }
  });

  describe('refused, and no record asked', () => {
    const cases: readonly [name: string, status: number, code: string, resource: string, via?: string][] = [
      ['a Binary without a via', 400, 'via-missing', 'Binary/b2'],
      ['a Binary via an Organization', 400, 'via-missing', 'Binary/b2', 'Organization/o1'],
      ['a Binary via itself', 400, 'via-missing', 'Binary/b2', 'Binary/b2'],
      ['a Binary via a name of the prototype', 400, 'bad-claims', 'Binary/b2', 'constructor/d1'],
      ['the directory above', 400, 'bad-claims', 'Condition/..'],
      ['the directory itself', 400, 'bad-claims', 'Condition/.'],
      ['a via that is a directory', 400, 'bad-claims', 'Binary/b2', 'DocumentReference/.'],
      ['a path', 400, 'bad-claims', 'Condition/c1/_history'],
      ['an encoded path', 400, 'bad-claims', 'Condition/%2e%2e%2fPatient'],
      ['a search', 400, 'bad-claims', 'Condition?patient=Patient/p2'],
      ['an operation', 400, 'bad-claims', 'Patient/p2/$everything'],
      ['an address', 400, 'bad-claims', 'http://127.0.0.1/Condition/c1'],
      ['a type alone', 400, 'bad-claims', 'Condition'],
    ];
    for (const [name, status, code, resource, via] of cases) {
      it(name, async () => {
        await asking.refusesSigned(status, code, await asking.token(reading(resource, via)));
        assert.deepEqual(record.requests, []);
      });
    }

    it('a record that is not ours', async () => {
      const token = await asking.token(reading('Condition/c1', undefined, 'hwe-shared-care-record'));
      await asking.refusesSigned(404, 'not-found', token);
      assert.deepEqual(record.requests, []);
    });
  });

  it('offers no type by reading that it does not offer by searching', async () => {
    assert.equal((await read('Specimen/s1')).claims.outcome, 'not-offered');
    assert.equal((await read('Binary/b1', 'Specimen/s1')).claims.outcome, 'not-offered');
    assert.deepEqual(record.requests, []);
  });

  it('withholds by label what is read, and what is read via it', async () => {
    record.scripts['Condition/c1'] = condition('c1', 'p1', labelled('R'));
    assert.equal((await read('Condition/c1')).claims.sources?.[0]?.outcome, 'withheld');
    record.scripts['DocumentReference/d1'] = document('d1', 'p1', 'Binary/b1', labelled('V'));
    const { claims, reply } = await read('Binary/b1', 'DocumentReference/d1');
    assert.equal(claims.sources?.[0]?.outcome, 'withheld');
    assert.equal(reply.body['entry'], undefined);
  });

  it('withholds a labelled Binary of a document that has no label', async () => {
    record.scripts['Binary/b1'] = binary('b1', labelled('R'));
    const { reply } = await read('Binary/b1', 'DocumentReference/d1');
    assert.deepEqual(
      matchesOf(reply.body).map(({ resource }) => resource.id),
      ['d1'],
    );
    assert.ok(!reply.text.includes('Binary","id'));
  });

  it('fails a record that gives a read with a Patient that is somebody else', async () => {
    record.scripts['Patient'] = (_request, response) =>
      sendJson(response, { resourceType: 'Bundle', entry: [{ resource: patientOf('p2', OTHER) }] });
    const { claims } = await read('Condition/c2');
    assert.deepEqual(claims.sources, [
      { record: RECORD, search: 'read', outcome: 'not-reached', count: 0, reason: 'fault' },
    ]);
  });

  it('and a good read is answered as before', async () => {
    assert.equal((await read('Condition/c1')).claims.outcome, 'answered');
  });
});
