import assert from 'node:assert/strict';

import type { BundleEntry, Resource } from '../../src/fhir/resource.ts';
import { matchesOf } from '../support/viewer.ts';
import { Asking, PATIENT, type Answered } from './asking.ts';
import { allergyOf, included, patientOf, ScriptedRecord, searchset } from './scripted-record.ts';

const OTHER = '9990000026';
const NHS = 'https://fhir.nhs.uk/Id/nhs-number';
const BROKEN = 'mid-south-essex';
const SOUND = 'suffolk-north-east-essex';

const numbered = (value: string) => ({ identifier: { system: NHS, value } });
const containing = (patient: object) => ({ contained: [{ resourceType: 'Patient', id: 'x', ...patient }] });
const practitioner = { resourceType: 'Practitioner', id: 'gp' };
const good = allergyOf('good', 'p1');

describe('the listener between brokers: whose resources a record may release', () => {
  const broken = new ScriptedRecord();
  const sound = new ScriptedRecord();
  let asking: Asking;

  before(async () => {
    asking = await Asking.start({
      to: 'essex-suffolk',
      records: { [BROKEN]: broken.listener, [SOUND]: sound.listener },
      edit: (_region, config) => {
        for (const record of config['records'] as { breaker?: object }[])
          record.breaker = { volume_threshold: 1000 };
      },
    });
  });
  after(() => asking.stop());
  beforeEach(() => {
    const well = {
      Patient: searchset(patientOf('p1', PATIENT)),
      AllergyIntolerance: searchset(good),
      Flag: searchset(),
    };
    broken.scripts = { ...well };
    sound.scripts = { ...well };
  });

  const base = (): string => asking.federation.config('essex-suffolk').records[0]?.base ?? '';

  /** The record is failed as a whole and reported; the region's other record is answered as ever. */
  async function failsAlone(code = 'wrong-subject'): Promise<Answered> {
    const before = asking.federation.logged.length;
    const searches = ['AllergyIntolerance', 'Flag'].map((type) => ({ id: type, query: type }));
    const answered = await asking.ask({ search: searches });
    assert.deepEqual(answered.claims.sources, [
      { record: BROKEN, search: 'AllergyIntolerance', outcome: 'not-reached', count: 0, reason: 'fault' },
      { record: BROKEN, search: 'Flag', outcome: 'not-reached', count: 0, reason: 'fault' },
      { record: SOUND, search: 'AllergyIntolerance', outcome: 'answered', count: 1, total: 1 },
      { record: SOUND, search: 'Flag', outcome: 'none', count: 0, total: 0 },
    ]);
    assert.equal(answered.claims.outcome, 'partial');
    assert.deepEqual(
      matchesOf(answered.reply.body).map(({ resource }) => resource.id),
      ['good'],
    );
    assert.ok(!answered.reply.text.includes(`/${BROKEN}/`));
    const report = asking.federation.logged
      .slice(before)
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ message }) => message === 'record not read');
    assert.deepEqual(
      report.map(({ record, code: logged }) => [record, logged]),
      [[BROKEN, code]],
    );
    return answered;
  }

  describe('one resource of another patient among good ones', () => {
    const cases: readonly [name: string, other: () => Resource][] = [
      ["by another Patient's id", () => allergyOf('x', 'p2')],
      ['by an id in other letters', () => allergyOf('x', 'P1')],
      ['by another NHS number', () => allergyOf('x', numbered(OTHER))],
      [
        'by the right id and another NHS number',
        () => allergyOf('x', { reference: 'Patient/p1', ...numbered(OTHER) }),
      ],
      [
        'by a contained Patient with another number',
        () =>
          allergyOf('x', { reference: '#x' }, containing({ identifier: [{ system: NHS, value: OTHER }] })),
      ],
      [
        'by a contained Patient with both numbers',
        () =>
          allergyOf(
            'x',
            { reference: '#x' },
            containing({ identifier: [PATIENT, OTHER].map((value) => ({ system: NHS, value })) }),
          ),
      ],
      [
        'by a contained Patient without a number',
        () => allergyOf('x', { reference: '#x' }, containing({ name: [{ family: 'Fenwick' }] })),
      ],
      ['by a contained Patient that is not there', () => allergyOf('x', { reference: '#x' })],
      [
        'by the address of another server',
        () => allergyOf('x', { reference: 'https://elsewhere.example/fhir/Patient/p1' }),
      ],
      [
        'by an address that begins like this one',
        () => allergyOf('x', { reference: `${base()}.example/Patient/p1` }),
      ],
      ['by an address above this one', () => allergyOf('x', { reference: `${base()}/../Patient/p1` })],
      ['by a urn', () => allergyOf('x', { reference: 'urn:uuid:6f0f0a0c-0f4b-4c39-a1a1-0a1a0c9f5d11' })],
      ['by a search', () => allergyOf('x', { reference: 'Patient?identifier=9990000018' })],
      ['by a group', () => allergyOf('x', { reference: 'Group/g1' })],
      ['by a name alone', () => allergyOf('x', { display: 'Amara Fenwick' })],
      ['by an empty reference', () => allergyOf('x', {})],
      [
        'by two references, the good one first',
        () => ({
          ...allergyOf('x', 'p1'),
          patient: [{ reference: 'Patient/p1' }, { reference: 'Patient/p2' }],
        }),
      ],
      ['by nothing', () => ({ resourceType: 'AllergyIntolerance', id: 'x' })],
      ['by null', () => ({ resourceType: 'AllergyIntolerance', id: 'x', patient: null })],
      [
        'under the element of another type',
        () => ({ resourceType: 'AllergyIntolerance', id: 'x', subject: { reference: 'Patient/p1' } }),
      ],
    ];
    for (const [name, other] of cases) {
      it(name, async () => {
        broken.scripts['AllergyIntolerance'] = searchset(good, other(), allergyOf('also-good', 'p1'));
        await failsAlone();
      });
    }
  });

  it('a record that ignores the patient and returns everybody', async () => {
    const everybody = Array.from({ length: 200 }, (_, at) => allergyOf(`a${at}`, `p${at + 1}`));
    broken.scripts['AllergyIntolerance'] = searchset(...everybody);
    await failsAlone();
  });

  describe('beside the matches', () => {
    const chain = {
      resourceType: 'PractitionerRole',
      id: 'role',
      practitioner: { reference: 'Practitioner/gp' },
    };
    const refers = (reference: string): Resource => allergyOf('a', 'p1', { recorder: { reference } });
    const cases: readonly [name: string, entries: (Resource | BundleEntry)[]][] = [
      ['a Practitioner nobody refers to', [good, included(practitioner)]],
      [
        'a Practitioner that only an included resource refers to',
        [refers('PractitionerRole/role'), included(chain), included(practitioner)],
      ],
      [
        'a Practitioner that is referred to on another server',
        [refers('https://elsewhere.example/fhir/Practitioner/gp'), included(practitioner)],
      ],
      ['another Patient', [good, included(patientOf('p2', OTHER))]],
      ['another Patient who is referred to', [refers('Patient/p2'), included(patientOf('p2', OTHER))]],
      [
        "another patient's Encounter that is referred to",
        [
          allergyOf('a', 'p1', { encounter: { reference: 'Encounter/e2' } }),
          included({ resourceType: 'Encounter', id: 'e2', subject: { reference: 'Patient/p2' } }),
        ],
      ],
      [
        'a Bundle of anything that is referred to',
        [refers('Bundle/b'), included({ ...searchset(allergyOf('x', 'p2')), id: 'b' })],
      ],
      ['a Group that is referred to', [refers('Group/g'), included({ resourceType: 'Group', id: 'g' })]],
    ];
    for (const [name, entries] of cases) {
      it(name, async () => {
        broken.scripts['AllergyIntolerance'] = searchset(...entries);
        await failsAlone();
      });
    }

    it('a resource without an id, which cannot be told apart', async () => {
      const { id: _, ...nameless } = allergyOf('x', 'p1');
      broken.scripts['AllergyIntolerance'] = searchset(good, nameless);
      await failsAlone('bad-bundle');
    });

    it('a match of another type than was searched', async () => {
      const condition = { resourceType: 'Condition', id: 'c', subject: { reference: 'Patient/p1' } };
      broken.scripts['AllergyIntolerance'] = searchset(good, condition);
      await failsAlone('bad-bundle');
    });
  });

  describe('a record whose search for the Patient', () => {
    const cases: readonly [name: string, found: Resource[]][] = [
      ['returns somebody else', [patientOf('p1', OTHER)]],
      ['returns the patient and somebody else', [patientOf('p1', PATIENT), patientOf('p2', OTHER)]],
      ['returns a Patient without a number', [{ resourceType: 'Patient', id: 'p1' }]],
      [
        'returns a Patient with the number in another system',
        [
          {
            resourceType: 'Patient',
            id: 'p1',
            identifier: [{ system: 'https://example.org/mrn', value: PATIENT }],
          },
        ],
      ],
      [
        'returns a Practitioner with the number',
        [{ ...patientOf('p1', PATIENT), resourceType: 'Practitioner' }],
      ],
    ];
    for (const [name, found] of cases) {
      it(name, async () => {
        broken.scripts['Patient'] = searchset(...found);
        await failsAlone();
      });
    }

    it('returns nobody: nothing may be released', async () => {
      broken.scripts['Patient'] = searchset();
      await failsAlone();
    });

    it('returns the patient twice: both are the patient', async () => {
      broken.scripts['Patient'] = searchset(patientOf('p1', PATIENT), patientOf('p9', PATIENT));
      broken.scripts['AllergyIntolerance'] = searchset(good, allergyOf('a9', 'p9'));
      assert.equal((await asking.ask()).claims.sources?.[0]?.count, 2);
    });
  });

  it('releases what is about the patient, however it says so, and whom it refers to', async () => {
    const own = [
      allergyOf('version', { reference: 'Patient/p1/_history/3' }),
      allergyOf('address', { reference: `${base()}/Patient/p1` }),
      allergyOf('number', numbered(PATIENT)),
      allergyOf(
        'contained',
        { reference: '#x' },
        containing({ identifier: [{ system: NHS, value: PATIENT }] }),
      ),
      allergyOf('recorded', 'p1', { recorder: { reference: 'Practitioner/gp' } }),
    ];
    const remark = { resource: { resourceType: 'OperationOutcome' }, search: { mode: 'outcome' as const } };
    broken.scripts['AllergyIntolerance'] = searchset(...own, included(practitioner), remark);
    const { claims, reply } = await asking.ask();
    assert.deepEqual([claims.outcome, claims.sources?.[0]?.count], ['answered', own.length]);
    assert.ok(reply.text.includes('"Practitioner"'));
    assert.ok(!reply.text.includes(base()));
  });

  it('and both records are answered as before', () => asking.stillAnswers());
});
