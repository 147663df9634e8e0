import assert from 'node:assert/strict';

import { CODE_SYSTEM_BASE, SYSTEM } from '../../src/fhir/codes.ts';
import type { Bundle, BundleEntry } from '../../src/fhir/resource.ts';
import { startFederation, type RawConfig, type TestFederation } from '../support/federation.ts';
import { errorCode, matchesOf, TestViewer } from '../support/viewer.ts';
import { IN_LONDON, IN_SUFFOLK, NOWHERE_PATIENT, PATIENT, smallData } from './small-data.ts';

const CONDITION = `/fhir/Condition?patient=${PATIENT}`;
const OBSERVATION = `/fhir/Observation?patient=${PATIENT}`;

describe('the merged answer', () => {
  let federation: TestFederation;
  let viewer: TestViewer;
  before(async () => {
    federation = await startFederation({ data: smallData() });
    viewer = new TestViewer(federation, 'herts-west-essex');
  });
  after(async () => {
    viewer.close();
    await federation.stop();
  });

  const ask = (path: string) => viewer.ask(PATIENT, path);
  const includesOf = (body: object): BundleEntry[] =>
    ((body as Bundle).entry ?? []).filter(({ search }) => search?.mode === 'include');

  it('keeps two resources of the same id apart by the address of their record', async () => {
    const { body } = await ask(CONDITION);
    assert.deepEqual(
      matchesOf(body).map(({ fullUrl, resource }) => [
        fullUrl.slice(viewer.base.length),
        resource.id,
        (resource['code'] as { text: string }).text,
      ]),
      [
        ['/regions/london/london-care-record/fhir/Condition/c1', 'c1', 'Epilepsy'],
        ['/regions/essex-suffolk/suffolk-north-east-essex/fhir/Condition/c1', 'c1', 'Fracture'],
      ],
    );
  });

  it('tags every entry with its region, its record and its care setting', async () => {
    const { body } = await ask(CONDITION);
    for (const { resource, fullUrl } of matchesOf(body)) {
      const [, , , , region, record] = fullUrl.split('/');
      const tags = (resource.meta?.tag ?? []).map(({ system, code }) => `${system} ${code}`);
      assert.deepEqual(tags, [
        `${SYSTEM.region} ${region}`,
        `${SYSTEM.record} ${record}`,
        `${SYSTEM.careSetting} acute`,
      ]);
    }
  });

  it('leaves references as they are, and brings what they point to: the record’s Patient, identifier only', async () => {
    const { body } = await ask(CONDITION);
    for (const { resource } of matchesOf(body)) {
      assert.deepEqual(resource['subject'], { reference: 'Patient/p1' });
    }
    const patients = includesOf(body).map(({ resource }) => resource);
    assert.equal(patients.length, 2);
    for (const patient of patients) {
      assert.deepEqual(Object.keys(patient ?? {}).sort(), ['id', 'identifier', 'meta', 'resourceType']);
    }
  });

  it('counts matches of all records, and neither includes nor the outcome', async () => {
    assert.equal((await ask(CONDITION)).body['total'], 2);
    assert.equal((await ask(OBSERVATION)).body['total'], IN_LONDON + IN_SUFFOLK);
    assert.equal((await ask(`/fhir/Procedure?patient=${PATIENT}`)).body['total'], 0);
    const nowhere = await viewer.ask(NOWHERE_PATIENT, `/fhir/Condition?patient=${NOWHERE_PATIENT}`);
    assert.deepEqual([nowhere.status, nowhere.body['total']], [200, 0]);
  });

  it('with _elements has those and what identifies a resource, marked as a subset', async () => {
    const { body } = await ask(`${OBSERVATION}&_elements=code,effectiveDateTime&_count=4`);
    const matches = matchesOf(body);
    assert.equal(matches.length, 4);
    for (const { resource } of matches) {
      const wanted = ['code', 'effectiveDateTime', 'id', 'meta', 'resourceType'];
      assert.deepEqual(Object.keys(resource).sort(), wanted);
      const subsetted = (resource.meta?.tag ?? []).filter(({ code }) => code === 'SUBSETTED');
      assert.equal(subsetted.length, 1);
    }
    const next = (body as Bundle).link?.find(({ relation }) => relation === 'next')?.url ?? '';
    const onNext = matchesOf((await ask(next)).body);
    assert.ok(onNext.length > 0);
    for (const { resource } of onNext) assert.equal('status' in resource, false);
  });

  it('with _summary=count has the total and no entry but the outcome', async () => {
    const { status, body } = await ask(`${OBSERVATION}&_summary=count`);
    assert.deepEqual([status, body['total']], [200, IN_LONDON + IN_SUFFOLK]);
    assert.deepEqual(
      ((body as Bundle).entry ?? []).map(({ search }) => search?.mode),
      ['outcome'],
    );
  });

  it('with _include brings what the matches refer to, once, and only that', async () => {
    const { body } = await ask(
      `/fhir/DocumentReference?patient=${PATIENT}&_include=DocumentReference:author`,
    );
    assert.deepEqual(
      matchesOf(body).map(({ resource }) => resource.id),
      ['d1'],
    );
    const included = includesOf(body).map(({ resource }) => `${resource?.resourceType}/${resource?.id}`);
    assert.deepEqual(included.sort(), ['Patient/p1', 'Practitioner/dr']);
  });

  it('of $everything has every type that the records hold, and of _type only those', async () => {
    const all = await ask(`/fhir/Patient/${PATIENT}/$everything`);
    const types = matchesOf(all.body).map(({ resource }) => resource.resourceType);
    const count = (type: string) => types.filter((one) => one === type).length;
    assert.deepEqual(['Patient', 'Condition', 'Observation', 'DocumentReference'].map(count), [
      2,
      2,
      IN_LONDON + IN_SUFFOLK,
      1,
    ]);
    assert.equal(all.body['total'], types.length);
    const some = await ask(`/fhir/Patient/${PATIENT}/$everything?_type=Condition,DocumentReference`);
    assert.deepEqual(
      matchesOf(some.body).map(({ resource }) => resource.resourceType),
      ['Condition', 'DocumentReference', 'Condition'],
    );
  });

  it('holds nothing of another patient whom the same records know', async () => {
    const { text } = await ask(`/fhir/Patient/${PATIENT}/$everything`);
    for (const other of ['9990000026', 'Patient/p2', 'other-0', 'Asthma', 'Migraine', '"d2"']) {
      assert.ok(!text.includes(other), other);
    }
  });

  it('has no total, and no count can be had, once a region is missing', async () => {
    await federation.stopBroker('london');
    const { status, body } = await ask(CONDITION);
    assert.deepEqual([status, 'total' in body, matchesOf(body).length], [200, false, 1]);
    const count = await ask(`${CONDITION}&_summary=count`);
    assert.deepEqual([count.status, errorCode(count.body)], [504, 'count-incomplete']);
    const shaped = await ask(`${OBSERVATION}&_elements=code`);
    assert.deepEqual([shaped.status, 'total' in shaped.body], [200, false]);
  });
});

describe('the total, where a region may not be asked', () => {
  const without = (region: string) => (asking: string, config: RawConfig) => {
    if (asking !== 'herts-west-essex') return;
    const neighbour = (config['neighbours'] as RawConfig[]).find((one) => one['region'] === region);
    Object.assign(neighbour?.['agreement'] as RawConfig, { from: '2020-01-01', until: '2020-12-31' });
  };

  it('is left out where the agreement has ended with a region that treated the patient', async () => {
    const federation = await startFederation({ data: smallData(), edit: without('london') });
    const viewer = new TestViewer(federation, 'herts-west-essex');
    const { status, body, text } = await viewer.ask(PATIENT, CONDITION);
    assert.deepEqual([status, 'total' in body, matchesOf(body).length], [200, false, 1]);
    assert.ok(text.includes(`{"system":"${CODE_SYSTEM_BASE}/reason","code":"no-agreement"}`));
    viewer.close();
    await federation.stop();
  });

  it('is given where the agreement has ended with a region that nothing leads to', async () => {
    const federation = await startFederation({ data: smallData(), edit: without('west-midlands') });
    const viewer = new TestViewer(federation, 'herts-west-essex');
    assert.equal((await viewer.ask(PATIENT, CONDITION)).body['total'], 2);
    viewer.close();
    await federation.stop();
  });

  it('is left out for a restricted patient, of whom nobody was asked', async () => {
    const federation = await startFederation();
    const viewer = new TestViewer(federation, 'herts-west-essex');
    const { status, body } = await viewer.ask('9990000069', '/fhir/Condition?patient=9990000069');
    assert.deepEqual([status, 'total' in body, matchesOf(body).length], [200, false, 0]);
    viewer.close();
    await federation.stop();
  });
});
