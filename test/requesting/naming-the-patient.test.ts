import assert from 'node:assert/strict';

import { EDGE_NUMBERS } from '../../src/demo/stories.ts';
import type { Bundle, Resource } from '../../src/fhir/resource.ts';
import { askingViewerForAll, startAskingViewer } from '../support/asking-viewer.ts';
import { errorCode, matchesOf, rollCallOf } from '../support/viewer.ts';
import { NOWHERE_PATIENT, PATIENT, smallData } from './small-data.ts';

const TOKEN = encodeURIComponent(`https://fhir.nhs.uk/Id/nhs-number|${PATIENT}`);

describe('naming the patient', () => {
  const asking = askingViewerForAll({ data: smallData() });

  const ask = (query: string, type = 'Condition') => asking.viewer.ask(PATIENT, `/fhir/${type}?${query}`);
  const london = (id: string, record = 'london-care-record', region = 'london'): string =>
    `${asking.viewer.base}/regions/${region}/${record}/fhir/Patient/${id}`;
  const regionsOf = (reply: Awaited<ReturnType<typeof ask>>): string[] =>
    matchesOf(reply.body).map(({ fullUrl }) => fullUrl.split('/')[4] ?? '');

  const FORMS: Record<string, () => string> = {
    'its number': () => `patient=${PATIENT}`,
    'its number as it is printed': () => 'patient=999%20000%200018',
    'a reference': () => `patient=Patient/${PATIENT}`,
    'its URL here': () => `patient=${encodeURIComponent(`${asking.viewer.base}/fhir/Patient/${PATIENT}`)}`,
    'its identifier': () => `patient.identifier=${TOKEN}`,
    'subject instead of patient': () => `subject=Patient/${PATIENT}`,
    'the identifier of subject': () => `subject.identifier=${TOKEN}`,
  };
  for (const [what, query] of Object.entries(FORMS)) {
    it(`works by ${what}`, async () => {
      const reply = await ask(query());
      assert.equal(reply.status, 200);
      assert.deepEqual(regionsOf(reply), ['london', 'essex-suffolk']);
    });
  }

  const BAD: Record<string, [status: number, code: string, query: string | (() => string)]> = {
    'nobody at all': [400, 'patient-missing', 'clinical-status=active'],
    'two patients': [400, 'bad-parameter', `patient=${PATIENT}&patient=9990000026`],
    'one patient twice': [400, 'bad-parameter', `patient=${PATIENT}&subject=${PATIENT}`],
    'a list of patients': [400, 'bad-nhs-number', `patient=${PATIENT},9990000026`],
    'a number with a wrong check digit': [400, 'bad-nhs-number', 'patient=9990000019'],
    'an identifier with a wrong check digit': [
      400,
      'bad-nhs-number',
      'patient.identifier=https://fhir.nhs.uk/Id/nhs-number|9990000019',
    ],
    'an identifier of another system': [
      400,
      'bad-nhs-number',
      `patient.identifier=https://example.org|${PATIENT}`,
    ],
    'another server’s URL': [
      400,
      'bad-nhs-number',
      `patient=https://elsewhere.example/fhir/Patient/${PATIENT}`,
    ],
    'another kind of resource': [400, 'bad-nhs-number', `patient=Group/${PATIENT}`],
    nothing: [400, 'bad-nhs-number', 'patient='],
    'a region’s Patient that it does not know': [404, 'not-found', () => patientUrl(london('nobody'))],
    'a region’s Patient that is somebody else': [404, 'not-found', () => patientUrl(london('p2'))],
    'a record that the region does not have': [404, 'not-found', () => patientUrl(london('p1', 'other'))],
    'a region that there is not': [404, 'not-found', () => patientUrl(london('p1', 'x', 'atlantis'))],
    'a region’s URL with something after it': [
      400,
      'bad-nhs-number',
      () => patientUrl(`${london('p1')}/_history/1`),
    ],
  };
  for (const [what, [status, code, query]] of Object.entries(BAD)) {
    it(`is refused by ${what}`, async () => {
      const { status: got, body } = await ask(typeof query === 'string' ? query : query());
      assert.deepEqual([got, errorCode(body)], [status, code]);
    });
  }

  it('by a region’s own Patient URL asks that record alone', async () => {
    for (const name of ['patient', 'subject']) {
      const reply = await ask(`${name}=${encodeURIComponent(london('p1'))}`);
      assert.equal(reply.status, 200);
      assert.deepEqual(regionsOf(reply), ['london']);
      assert.equal(reply.body['total'], 1);
      assert.deepEqual(rollCallOf(reply.body)['london'], ['answered', 'care-location']);
      assert.deepEqual(rollCallOf(reply.body)['essex-suffolk'], ['not-asked', 'other-record-named']);
    }
  });

  it('by a region’s own Patient URL says none where that record holds none', async () => {
    const { status, body } = await ask(patientUrl(london('p1')), 'Procedure');
    assert.equal(status, 200);
    assert.deepEqual(rollCallOf(body)['london'], ['none', 'care-location']);
    assert.equal(body['total'], 0);
  });

  it('by a region’s own Patient URL pages to the end', async () => {
    const seen: string[] = [];
    let next: string | undefined = `/fhir/Observation?${patientUrl(london('p1'))}&_count=5`;
    for (let pages = 0; next !== undefined && pages < 10; pages += 1) {
      const reply = await asking.viewer.ask(PATIENT, next);
      assert.equal(reply.status, 200);
      seen.push(...matchesOf(reply.body).map(({ resource }) => resource.id ?? ''));
      next = (reply.body as Bundle).link?.find(({ relation }) => relation === 'next')?.url;
    }
    assert.equal(seen.length, 13);
    assert.equal(new Set(seen).size, 13);
  });

  it('gives the index Patient, with a link to each region’s own, which can be asked about in turn', async () => {
    const bundle = await ask(`identifier=${TOKEN}`, 'Patient');
    const [index, ...more] = matchesOf(bundle.body);
    assert.deepEqual([bundle.body['total'], more.length], [1, 0]);
    assert.deepEqual(index, {
      fullUrl: `${asking.viewer.base}/fhir/Patient/${PATIENT}`,
      resource: {
        resourceType: 'Patient',
        id: PATIENT,
        identifier: [{ system: 'https://fhir.nhs.uk/Id/nhs-number', value: PATIENT }],
        link: [
          { other: { reference: london('p1') }, type: 'seealso' },
          {
            other: { reference: london('p1', 'suffolk-north-east-essex', 'essex-suffolk') },
            type: 'seealso',
          },
        ],
      },
      search: { mode: 'match' },
    });
    const included = ((bundle.body as Bundle).entry ?? []).filter(({ search }) => search?.mode === 'include');
    const wanted = [london('p1'), london('p1', 'suffolk-north-east-essex', 'essex-suffolk')];
    assert.deepEqual(included.map(({ fullUrl }) => fullUrl).sort(), wanted.sort());
    const again = await ask(patientUrl(included[0]?.fullUrl ?? ''));
    assert.equal(matchesOf(again.body).length, 1);
  });

  it('gives the same index Patient by its address and by _id', async () => {
    const [read, byId, byIdentifier] = [
      await asking.viewer.ask(PATIENT, `/fhir/Patient/${PATIENT}`),
      await ask(`_id=${PATIENT}`, 'Patient'),
      await ask(`identifier=${TOKEN}`, 'Patient'),
    ];
    assert.equal(read.status, 200);
    const { contained, extension: _, ...index } = read.body;
    assert.deepEqual(index, matchesOf(byIdentifier.body)[0]?.resource);
    assert.deepEqual(index, matchesOf(byId.body)[0]?.resource);
    // A Patient has no place for an OperationOutcome beside it: why a link is missing is contained in it.
    const [outcome] = contained as Resource[];
    assert.deepEqual(rollCallOf(outcome as Resource), rollCallOf(byId.body));
  });

  it('gives an index Patient without links where no region is asked', async () => {
    const { status, body } = await asking.viewer.ask(NOWHERE_PATIENT, `/fhir/Patient/${NOWHERE_PATIENT}`);
    assert.equal(status, 200);
    assert.deepEqual(Object.keys(body).sort(), [
      'contained',
      'extension',
      'id',
      'identifier',
      'resourceType',
    ]);
  });
});

describe('naming the patient by a superseded number', () => {
  it('finds what lies under either number, and says which is current', async () => {
    await using alone = await startAskingViewer();
    const { superseded, current } = EDGE_NUMBERS;
    const found = await alone.viewer.ask(superseded, `/fhir/MedicationStatement?patient=${superseded}`);
    assert.equal(found.status, 200);
    assert.deepEqual(rollCallOf(found.body)['london'], ['answered', 'care-location']);
    // London knows the older number only.
    assert.equal(matchesOf(found.body).length, 1);
    assert.match(JSON.stringify(found.body), /CodeSystem\/rule","code":"superseded"/);
    const index = await alone.viewer.ask(superseded, `/fhir/Patient/${superseded}`);
    assert.equal(index.body.id, current);
    assert.deepEqual(
      (index.body['identifier'] as { value: string; use?: string }[]).map(({ value, use }) => [value, use]),
      [
        [current, undefined],
        [superseded, 'old'],
      ],
    );
  });
});

function patientUrl(url: string): string {
  return `patient=${encodeURIComponent(url)}`;
}
