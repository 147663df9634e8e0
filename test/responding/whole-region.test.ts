import assert from 'node:assert/strict';

import type { DestinationStatus } from '../../src/upstream/destination.ts';
import { Asking, PATIENT } from './asking.ts';
import {
  allergyOf,
  included,
  labelled,
  patientOf,
  patientsBy,
  ScriptedRecord,
  searchset,
  sendJson,
} from './scripted-record.ts';

const NHS = 'https://fhir.nhs.uk/Id/nhs-number';
const OLD_NUMBER = '9990000026';
const [ONE, OTHER] = ['mid-south-essex', 'suffolk-north-east-essex'] as const;

const incomplete = {
  resource: { resourceType: 'OperationOutcome', issue: [{ severity: 'warning', code: 'incomplete' }] },
  search: { mode: 'outcome' as const },
};

describe('the listener between brokers: a region is more than the record that is asked', () => {
  const one = new ScriptedRecord();
  const other = new ScriptedRecord();
  let asking: Asking;

  before(async () => {
    asking = await Asking.start({
      to: 'essex-suffolk',
      records: { [ONE]: one.listener, [OTHER]: other.listener },
      edit: (region, config) => {
        if (region !== 'essex-suffolk') return;
        for (const record of config['records'] as Record<string, unknown>[])
          record['search'] = 'patient-first';
        for (const record of config['records'] as { timeout_ms: number }[]) record.timeout_ms = 400;
      },
    });
  });
  after(() => asking.stop());
  beforeEach(() => {
    for (const record of [one, other]) {
      record.requests.length = 0;
      record.scripts = {
        Patient: patientsBy({ [PATIENT]: patientOf('p1', PATIENT) }),
        AllergyIntolerance: searchset(allergyOf('a1', 'p1')),
      };
    }
  });

  const named = (record: string) => ({ search: [{ id: 'a', query: 'AllergyIntolerance', record }] });
  const sourcesOf = async (change: Parameters<Asking['ask']>[0] = {}): Promise<string[]> => {
    const { claims } = await asking.ask(change);
    return (claims.sources ?? []).map(({ record, outcome, reason = '' }) =>
      `${record} ${outcome} ${reason}`.trim(),
    );
  };

  describe('a restriction that one record knows', () => {
    beforeEach(() => {
      one.scripts['Patient'] = searchset(patientOf('p1', PATIENT, labelled('R')));
    });

    it('withholds the other record as well, when that alone is searched', async () => {
      const { claims } = await asking.ask(named(OTHER));
      assert.deepEqual([claims.outcome, claims.sources], ['withheld', undefined]);
    });

    it('withholds the other record as well, when that alone is read', async () => {
      other.scripts['AllergyIntolerance/a1'] = allergyOf('a1', 'p1');
      const read = { record: OTHER, resource: 'AllergyIntolerance/a1' };
      const { claims } = await asking.ask({ search: undefined, read });
      assert.equal(claims.outcome, 'withheld');
    });
  });

  it('an objection under a number that only the record knows of withholds as well', async () => {
    const both = [PATIENT, OLD_NUMBER].map((value) => ({ system: NHS, value }));
    one.scripts['Patient'] = searchset(patientOf('p1', PATIENT, { identifier: both }));
    assert.equal((await asking.ask(named(ONE))).claims.outcome, 'answered');
    await asking.object(OLD_NUMBER);
    assert.equal((await asking.ask(named(ONE))).claims.outcome, 'withheld');
    one.scripts['Patient'] = searchset(patientOf('p1', PATIENT));
    assert.equal((await asking.ask(named(ONE))).claims.outcome, 'answered');
  });

  describe('a record that', () => {
    const CASES: [name: string, scripts: ScriptedRecord['scripts'], told: string][] = [
      [
        'answers no searchset for the patient',
        { Patient: { resourceType: 'OperationOutcome' } },
        'not-reached fault',
      ],
      [
        'finds nothing where patients are',
        { Patient: (_, response) => sendJson(response, { resourceType: 'x' }, 404) },
        'not-reached fault',
      ],
      ['could not look for the patient', { Patient: searchset(incomplete) }, 'not-reached fault'],
      [
        'says that it is not whole',
        { AllergyIntolerance: searchset(allergyOf('a1', 'p1'), incomplete) },
        'partial record-incomplete',
      ],
      [
        'says so and gives nothing',
        { AllergyIntolerance: searchset(incomplete) },
        'partial record-incomplete',
      ],
      [
        'counts more than it gives',
        { AllergyIntolerance: { ...searchset(allergyOf('a1', 'p1')), total: 300 } },
        'partial record-incomplete',
      ],
      [
        'gives a resource of another server',
        {
          AllergyIntolerance: searchset({
            resource: allergyOf('a1', 'p1'),
            fullUrl: 'https://elsewhere.example/AllergyIntolerance/a1',
            search: { mode: 'match' },
          }),
        },
        'not-reached fault',
      ],
      ['never answers', { AllergyIntolerance: () => undefined }, 'not-reached timeout'],
      [
        'uses a care setting that nobody knows',
        {
          AllergyIntolerance: searchset(
            allergyOf('a1', 'p1', {
              meta: { tag: [{ system: 'https://wayleave.example/CodeSystem/care-setting', code: 'moon' }] },
            }),
          ),
        },
        'partial agreement',
      ],
    ];
    for (const [name, scripts, told] of CASES) {
      it(`${name} is ${told}, never none held, and the other is answered`, async () => {
        Object.assign(one.scripts, scripts);
        assert.deepEqual(await sourcesOf(), [`${ONE} ${told}`, `${OTHER} answered`]);
      });
    }
  });

  it('leaves the record no work and its bulkhead no call when its time is up', async () => {
    const closed: Promise<void>[] = [];
    one.scripts['AllergyIntolerance'] = (request) =>
      void closed.push(new Promise((resolve) => request.on('close', resolve)));
    await asking.ask(named(ONE));
    assert.equal(closed.length, 1);
    await Promise.all(closed);
    const { destinations } = await asking.federation.broker('essex-suffolk').status();
    const underWay = (destinations as DestinationStatus[]).find(({ name }) => name === ONE)?.underWay;
    assert.equal(underWay, 0);
  });

  it('one type that a record cannot answer leaves its others', async () => {
    one.scripts['Condition'] = (_, response) => sendJson(response, { resourceType: 'OperationOutcome' }, 400);
    const search = ['Condition', 'AllergyIntolerance'].map((type) => ({
      id: type,
      query: type,
      record: ONE,
    }));
    assert.deepEqual(await sourcesOf({ search }), [`${ONE} not-reached fault`, `${ONE} answered`]);
  });

  it('includes nothing of a type that is not agreed, whoever asked for it', async () => {
    const report = {
      resourceType: 'DiagnosticReport',
      id: 'd1',
      subject: { reference: 'Patient/p1' },
      result: [{ reference: 'Specimen/s1' }],
      performer: [{ reference: 'Organization/o1' }],
    };
    const specimen = { resourceType: 'Specimen', id: 's1', subject: { reference: 'Patient/p1' } };
    const organisation = { resourceType: 'Organization', id: 'o1' };
    one.scripts['DiagnosticReport'] = searchset(report, included(specimen), included(organisation));
    const search = [{ id: 'd', query: 'DiagnosticReport?_include=DiagnosticReport:specimen', record: ONE }];
    const { reply } = await asking.ask({ search });
    assert.match(reply.text, /"Organization"/);
    assert.doesNotMatch(reply.text, /"resourceType":"Specimen"/);
  });

  it('an appointment with others in it is still this patient’s', async () => {
    const participant = [
      { actor: { reference: 'Patient/p1' } },
      { actor: { display: 'A relative' } },
      { actor: { reference: 'https://elsewhere.example/Practitioner/1' } },
    ];
    const appointment = { resourceType: 'Appointment', id: 'b1', participant };
    one.scripts['Appointment'] = searchset(appointment);
    const search = [{ id: 'b', query: 'Appointment', record: ONE }];
    assert.deepEqual(await sourcesOf({ search }), [`${ONE} answered`]);
    for (const reference of ['Patient/p2', 'https://elsewhere.example/Patient/p1']) {
      const shared = { ...appointment, participant: [...participant, { actor: { reference } }] };
      one.scripts['Appointment'] = searchset(shared);
      assert.deepEqual(await sourcesOf({ search }), [`${ONE} not-reached fault`], reference);
    }
  });
});
