import assert from 'node:assert/strict';

import { nhsNumberToken } from '../../src/fhir/nhs-number.ts';
import type { RawConfig } from '../support/federation.ts';
import { Asking, PATIENT, type Change } from './asking.ts';
import { allergyOf, patientOf, ScriptedRecord, searchset } from './scripted-record.ts';

const search = (query: string): Change => ({ search: [{ id: 'one', query }] });
const allergies = (parameters: string): string => `AllergyIntolerance?${parameters}`;

describe('the listener between brokers: which searches reach a record', () => {
  const record = new ScriptedRecord();
  let asking: Asking;

  before(async () => {
    asking = await Asking.start({
      records: { 'london-care-record': record.listener },
      edit: (_region, config) => {
        // Room for 64 searches at once and the patient's own.
        for (const one of config['records'] as RawConfig[]) one['breaker'] = { capacity: 100 };
      },
    });
    record.scripts = {
      Patient: searchset(patientOf('p1', PATIENT)),
      AllergyIntolerance: searchset(allergyOf('a1', 'p1')),
    };
  });
  after(() => asking.stop());
  beforeEach(() => void (record.requests.length = 0));

  describe('a patient smuggled in, or a parameter that is not on the list: refused, and no record asked', () => {
    const refused = [
      'patient=Patient/p2',
      'PATIENT=Patient/p2',
      '%70atient=Patient/p2',
      'clinical-status=active&patient=Patient/p2',
      'patient:Patient=p2',
      'patient:identifier=https://fhir.nhs.uk/Id/nhs-number|9990000026',
      'patient.identifier=9990000026',
      'patient.name=Ludlow',
      'subject=Patient/p2',
      'subject:Patient.identifier=9990000026',
      'identifier=9990000026',
      '_id=a2',
      '_has:Observation:patient:code=1234-5',
      'encounter.patient=p2',
      'encounter:Encounter.subject=p2',
      '_compartment=Patient/p2',
      '_filter=patient eq p2',
      '_query=everything',
      '_list=42',
      '_content=Ludlow',
      '_revinclude=Provenance:target',
      '_elements=id',
      '_summary=count',
      '_total=accurate',
      '_type=Patient',
      '_format=xml',
      '_include:iterate=AllergyIntolerance:recorder',
      'clinical-status:in=http://example.org/codes',
      'clinical-status:not:not=active',
      ' clinical-status=active',
      '=active',
    ];
    for (const parameters of refused) {
      it(parameters, async () => {
        await asking.refusesSigned(
          400,
          'unknown-parameter',
          await asking.token(search(allergies(parameters))),
        );
        assert.deepEqual(record.requests, []);
      });
    }

    it("identifier= of the patient's own type", async () => {
      const token = await asking.token(search('Patient?identifier=9990000026'));
      await asking.refusesSigned(400, 'unknown-parameter', token);
      assert.deepEqual(record.requests, []);
    });
  });

  describe('a value that cannot be read', () => {
    const refused: readonly (readonly [name: string, parameters: string])[] = [
      ['an include of the patient', '_include=AllergyIntolerance:patient'],
      ['an include of everything', '_include=*'],
      ['an include from another type', '_include=Observation:performer'],
      ['a sort by the patient', '_sort=patient'],
      ['a page of nothing', '_count=0'],
      ['a page of everything', '_count=100000'],
      ['a page in exponents', '_count=1e2'],
      ['nothing', 'clinical-status='],
      ['a line end', 'clinical-status=active%0d%0aHost:%20elsewhere'],
      ['a null byte', 'clinical-status=active%00'],
      ['401 characters', `code=${'x'.repeat(401)}`],
    ];
    for (const [name, parameters] of refused) {
      it(name, async () => {
        await asking.refusesSigned(400, 'bad-parameter', await asking.token(search(allergies(parameters))));
        assert.deepEqual(record.requests, []);
      });
    }
  });

  describe('a type that is not on the list', () => {
    const types = [
      'allergyintolerance',
      'AuditEvent',
      'Practitioner',
      'AllergyIntolerance/a2',
      'Patient/p2/AllergyIntolerance',
      'Patient/p2/$everything',
      'AllergyIntolerance/_search?clinical-status=active',
      '../fhir/AllergyIntolerance',
      'http://127.0.0.1/fhir/AllergyIntolerance',
      'AllergyIntolerance#',
      'AllergyIntolerance%3Fpatient=Patient/p2',
      '?patient=Patient/p2',
      'constructor',
      '__proto__',
    ];
    for (const query of types) {
      it(query, async () => {
        await asking.refusesSigned(404, 'unknown-type', await asking.token(search(query)));
        assert.deepEqual(record.requests, []);
      });
    }
  });

  describe('what looks like a second parameter stays the value that it is', () => {
    const disarmed = [
      'active;patient=Patient/p2',
      'active&patient=Patient/p2',
      'active#patient',
      'a=b',
      '%26',
      '+',
    ];
    for (const value of disarmed) {
      it(value, async () => {
        const query = allergies(`clinical-status=${encodeURIComponent(value)}`);
        assert.equal((await asking.ask(search(query))).claims.outcome, 'answered');
        assert.deepEqual(searchesSeen(), [
          [
            ['patient.identifier', nhsNumberToken(PATIENT)],
            ['clinical-status', value],
            ['_count', '250'],
          ],
        ]);
      });
    }

    it('an unescaped semicolon', async () => {
      await asking.ask(search(allergies('clinical-status=active;patient=Patient/p2')));
      assert.deepEqual(
        searchesSeen()[0]?.map(([name]) => name),
        ['patient.identifier', 'clinical-status', '_count'],
      );
    });

    it('two page sizes: the first, and never more than the record gives', async () => {
      await asking.ask(search(allergies('_count=500&_count=7')));
      assert.deepEqual(
        searchesSeen()[0]?.filter(([name]) => name === '_count'),
        [['_count', '250']],
      );
    });
  });

  describe('how many, how long, for whom', () => {
    const many = (count: number, id = (at: number): string => `s${at}`): Change => ({
      search: Array.from({ length: count }, (_, at) => ({ id: id(at), query: 'AllergyIntolerance' })),
    });
    const malformed: readonly [name: string, change: Change][] = [
      ['257 searches', many(257)],
      ['no searches', many(0)],
      ['a search of 2,001 characters', search(allergies(`code=${'x'.repeat(2001)}`))],
      ['a search without words', search('')],
      ['an id that is no id', { search: [{ id: '../a', query: 'AllergyIntolerance' }] }],
      ['a claim that a search does not have', { search: [{ id: 'one', query: 'Flag', patient: 'p2' }] }],
      ['a cursor of 2,001 characters', { search: [{ id: 'one', query: 'Flag', cursor: 'x'.repeat(2001) }] }],
    ];
    for (const [name, change] of malformed) {
      it(`refuses ${name}`, async () => {
        await asking.refusesSigned(400, 'bad-claims', await asking.token(change));
        assert.deepEqual(record.requests, []);
      });
    }

    it('refuses two searches of one id', async () => {
      await asking.refusesSigned(400, 'bad-request', await asking.token(many(2, () => 'same')));
      assert.deepEqual(record.requests, []);
    });

    it('answers 64 searches', async () => {
      const { claims } = await asking.ask(many(64));
      assert.equal(claims.sources?.length, 64);
    });

    it('asks no record for what is meant for another', async () => {
      const elsewhere = { id: 'one', query: 'AllergyIntolerance', record: 'hwe-shared-care-record' };
      const { claims } = await asking.ask({ search: [elsewhere] });
      assert.deepEqual([claims.outcome, claims.sources], ['not-offered', []]);
      assert.deepEqual(record.requests, []);
    });
  });

  it('and a good search is answered as before', () => asking.stillAnswers());

  /** The parameters of each search for allergies that reached the record. */
  function searchesSeen(): [string, string][][] {
    return record.requests
      .map((path) => new URL(path, 'http://record/fhir/'))
      .filter(({ pathname }) => pathname.endsWith('/AllergyIntolerance'))
      .map(({ searchParams }) => [...searchParams]);
  }
});
