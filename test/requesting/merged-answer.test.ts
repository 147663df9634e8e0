import assert from 'node:assert/strict';

import { CODE_SYSTEM_BASE, SYSTEM } from '../../src/fhir/codes.ts';
import type { Bundle, BundleEntry } from '../../src/fhir/resource.ts';
import { askingViewerForAll, startAskingViewer } from '../support/asking-viewer.ts';
import type { RawConfig } from '../support/federation.ts';
import { errorCode, matchesOf } from '../support/viewer.ts';
import { IN_LONDON, IN_SUFFOLK, NOWHERE_PATIENT, PATIENT, smallData } from './small-data.ts';

const CONDITION = `/fhir/Condition?patient=${PATIENT}`;
const OBSERVATION = `/fhir/Observation?patient=${PATIENT}`;

describe('the merged answer', () => {
  const asking = askingViewerForAll({ data: smallData() });

  const ask = (path: string) => asking.viewer.ask(PATIENT, path);
  const includesOf = (body: object): BundleEntry[] =>
    ((body as Bundle).entry ?? []).filter(({ search }) => search?.mode === 'include');

  it('keeps two resources of the same id apart by the address of their record', async () => {
    const { body } = await ask(CONDITION);
    assert.deepEqual(
      matchesOf(body).map(({ fullUrl, resource }) => [
        fullUrl.slice(asking.viewer.base.length),
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
    const nowhere = await asking.viewer.ask(NOWHERE_PATIENT, `/fhir/Condition?patient=${NOWHERE_PATIENT}`);
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

  it('of $everything brings what the resources refer to directly and is about no patient, but no document', async () => {
    const named = (body: object): string[] =>
      includesOf(body).map(({ resource }) => `${resource?.resourceType}/${resource?.id}`);
    const path = `/fhir/Patient/${PATIENT}/$everything`;
    assert.deepEqual(named((await ask(path)).body), ['Practitioner/dr']);
    // `_type` names all that is wanted.
    assert.deepEqual(named((await ask(`${path}?_type=DocumentReference`)).body), ['Patient/p1']);
    assert.deepEqual(named((await ask(`${path}?_summary=count`)).body), []);
    // Page by page, it is where the match is that refers to it, and each page says who the patient is.
    const first = await ask(`${path}?_count=1`);
    const second = await ask(
      (first.body as Bundle).link?.find(({ relation }) => relation === 'next')?.url ?? '',
    );
    assert.deepEqual(
      [first, second].map(({ body }) => matchesOf(body).map(({ resource }) => resource.id)),
      [['c1'], ['d1']],
    );
    assert.deepEqual(named(first.body), ['Patient/p1']);
    assert.deepEqual(named(second.body).sort(), ['Patient/p1', 'Practitioner/dr']);
  });

  it('has no two entries of one resource, whatever was asked', async () => {
    const reference = `${asking.viewer.base}/regions/london/london-care-record/fhir/Patient/p1`;
    for (const path of [
      `/fhir/Patient/${PATIENT}/$everything`,
      `/fhir/Patient?_id=${PATIENT}`,
      `/fhir/DocumentReference?patient=${PATIENT}&_include=DocumentReference:author`,
      `/fhir/Condition?patient=${encodeURIComponent(reference)}`,
    ]) {
      const { status, body } = await ask(path);
      const urls = ((body as Bundle).entry ?? []).map(({ fullUrl }) => fullUrl).filter(Boolean);
      assert.equal(status, 200);
      assert.ok(urls.length > 1, path);
      assert.equal(new Set(urls).size, urls.length, path);
    }
  });

  it('of one record’s own Patient says who that is, identifier only', async () => {
    const reference = `${asking.viewer.base}/regions/london/london-care-record/fhir/Patient/p1`;
    const { body } = await ask(`/fhir/Condition?patient=${encodeURIComponent(reference)}`);
    const [only, ...more] = includesOf(body);
    assert.deepEqual([only?.fullUrl, more.length], [reference, 0]);
    assert.deepEqual(Object.keys(only?.resource ?? {}).sort(), ['id', 'identifier', 'meta', 'resourceType']);
  });

  it('holds nothing of another patient whom the same records know', async () => {
    const { text } = await ask(`/fhir/Patient/${PATIENT}/$everything`);
    for (const other of ['9990000026', 'Patient/p2', 'other-0', 'Asthma', 'Migraine', '"d2"']) {
      assert.ok(!text.includes(other), other);
    }
  });

  it('has no total, and no count can be had, once a region is missing', async () => {
    await asking.federation.stopBroker('london');
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
    await using alone = await startAskingViewer({ data: smallData(), edit: without('london') });
    const { status, body, text } = await alone.viewer.ask(PATIENT, CONDITION);
    assert.deepEqual([status, 'total' in body, matchesOf(body).length], [200, false, 1]);
    assert.ok(text.includes(`{"system":"${CODE_SYSTEM_BASE}/reason","code":"no-agreement"}`));
  });

  it('is given where the agreement has ended with a region that nothing leads to', async () => {
    await using alone = await startAskingViewer({ data: smallData(), edit: without('west-midlands') });
    assert.equal((await alone.viewer.ask(PATIENT, CONDITION)).body['total'], 2);
  });

  it('is left out for a restricted patient, of whom nobody was asked', async () => {
    await using alone = await startAskingViewer();
    const { status, body } = await alone.viewer.ask('9990000069', '/fhir/Condition?patient=9990000069');
    assert.deepEqual([status, 'total' in body, matchesOf(body).length], [200, false, 0]);
  });
});
