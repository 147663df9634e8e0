import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  readBundles,
  spreadBundles,
  whoIsWhere,
  type BundleFile,
  type Spread,
} from '../../src/demo/load-records.ts';
import { RECORD_IDS, RECORDS, type RecordId } from '../../src/demo/places.ts';
import { isNhsNumber, nhsNumbersOf } from '../../src/fhir/nhs-number.ts';
import { referencesIn } from '../../src/fhir/references.ts';
import { StartError } from '../../src/errors.ts';
import type { Bundle, Resource } from '../../src/fhir/resource.ts';
import { PRACTITIONERS, SMALL } from './small-bundle.ts';

const NOW = new Date('2026-11-20T12:00:00Z');
const SUPPORTING = ['Practitioner', 'Organization', 'Location', 'Medication', 'Binary'];

async function* files(...given: BundleFile[]): AsyncGenerator<BundleFile> {
  for (const file of given) yield await Promise.resolve(file);
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

const keyOf = (resource: Resource): string => `${resource.resourceType}/${resource.id ?? ''}`;

function recordOf(spread: Spread, key: string): RecordId[] {
  return RECORD_IDS.filter((record) => spread.records[record].some((resource) => keyOf(resource) === key));
}

/** Nothing lost, nothing twice, and every reference leads somewhere within its record. */
function assertWhole(spread: Spread, given: readonly Resource[]): void {
  const expected = [...new Set(given.map(keyOf))].filter((key) => !spread.unused.includes(key));
  const times = new Map(expected.map((key) => [key, recordOf(spread, key).length]));
  for (const [key, count] of times) {
    const many = key.startsWith('Patient/') || SUPPORTING.some((type) => key.startsWith(`${type}/`));
    assert.ok(many ? count >= 1 : count === 1, `${key} is in ${String(count)} records`);
  }
  for (const record of RECORD_IDS) {
    const keys = new Set(spread.records[record].map(keyOf));
    assert.equal(keys.size, spread.records[record].length);
    for (const key of keys) assert.ok(times.has(key), `${key} came from nowhere`);
    const dangling = spread.records[record].flatMap((resource) =>
      [...referencesIn(resource)].filter((target) => !keys.has(target) && times.has(target)),
    );
    assert.deepEqual(dangling, []);
    assert.doesNotMatch(JSON.stringify(spread.records[record]), /"urn:uuid:/);
  }
  for (const key of spread.unused)
    assert.ok(
      SUPPORTING.some((type) => key.startsWith(`${type}/`)),
      key,
    );
}

function assertInTwoRegions(spread: Spread): void {
  for (const { nhsNumber, held, practice } of spread.people) {
    assert.ok(isNhsNumber(nhsNumber) && nhsNumber.startsWith('999'));
    const places = RECORD_IDS.filter((record) => held[record].length > 0);
    assert.ok(places.includes(practice.record));
    const region = RECORDS[practice.record].region;
    const away = places.filter((record) => RECORDS[record].region !== region);
    assert.ok(away.length >= 1);
    const stays = spread.careLocations[region].filter((stay) => stay.nhsNumber === nhsNumber);
    assert.equal(stays.length, away.length);
  }
}

describe('spreadBundles', () => {
  const load = (): Promise<Spread> =>
    spreadBundles({
      bundles: files(
        { file: 'small.json', bundle: SMALL },
        { file: 'practitioners.json', bundle: PRACTITIONERS },
      ),
      now: NOW,
    });

  it('loses nothing and holds nothing twice', async () => {
    const spread = await load();
    const given = [SMALL, PRACTITIONERS].flatMap(({ entry: entries }) =>
      (entries ?? []).map((one) => one.resource as Resource),
    );
    assertWhole(spread, given);
    assertInTwoRegions(spread);
    assert.deepEqual(spread.unused, ['Practitioner/unseen']);
    assert.equal(spread.unresolved, 1);
  });

  it('counts each patient in each record', async () => {
    const { people, records } = await load();
    assert.equal(people.length, 1);
    const held = Object.values(people[0]?.held ?? {}).flat();
    assert.equal(held.filter((key) => key !== 'Patient/p').length, 9);
    for (const record of RECORD_IDS) {
      for (const key of people[0]?.held[record] ?? [])
        assert.ok(records[record].some((r) => keyOf(r) === key));
    }
  });

  it('keeps together what refers to one another', async () => {
    const spread = await load();
    assert.deepEqual(recordOf(spread, 'Encounter/e2'), recordOf(spread, 'Condition/c1'));
    assert.deepEqual(recordOf(spread, 'Encounter/e2'), recordOf(spread, 'Encounter/e1'));
    assert.deepEqual(recordOf(spread, 'Encounter/e3'), recordOf(spread, 'DocumentReference/d3'));
    assert.deepEqual(recordOf(spread, 'Encounter/e3'), recordOf(spread, 'Binary/b3'));
    assert.deepEqual(recordOf(spread, 'AllergyIntolerance/a'), [spread.people[0]?.practice.record]);
  });

  it('puts what is referred to, and what that refers to, wherever it is needed', async () => {
    const spread = await load();
    const withEncounters = RECORD_IDS.filter((record) =>
      spread.records[record].some(({ resourceType }) => resourceType === 'Encounter'),
    );
    assert.deepEqual(recordOf(spread, 'Practitioner/seen'), withEncounters);
    assert.deepEqual(recordOf(spread, 'Organization/school'), withEncounters);
    assert.deepEqual(recordOf(spread, 'Organization/org'), recordOf(spread, 'Patient/p'));
  });

  it('gives the patient one test number, in every record and in demographics', async () => {
    const spread = await load();
    const [person] = spread.people;
    for (const record of recordOf(spread, 'Patient/p')) {
      const patient = spread.records[record].find(({ resourceType }) => resourceType === 'Patient');
      assert.deepEqual(nhsNumbersOf(patient?.['identifier']), [person?.nhsNumber]);
    }
    assert.deepEqual(
      spread.demographics.map(({ nhsNumber }) => nhsNumber),
      [person?.nhsNumber],
    );
    assert.equal(whoIsWhere(spread).length, 1);
  });

  it('takes single resources, and bundles without urn:uuid', async () => {
    const spread = await spreadBundles({
      bundles: files(
        { file: 'patient.json', bundle: { resourceType: 'Patient', id: 'x' } },
        {
          file: 'search.json',
          bundle: {
            resourceType: 'Bundle',
            type: 'searchset',
            entry: [
              {
                fullUrl: 'https://there.example/fhir/Encounter/1',
                resource: { resourceType: 'Encounter', id: '1', subject: { reference: 'Patient/x' } },
              },
              {
                resource: {
                  resourceType: 'Observation',
                  id: '2',
                  subject: { reference: 'Patient/x' },
                  encounter: { reference: 'https://there.example/fhir/Encounter/1' },
                },
              },
            ],
          },
        },
      ),
      now: NOW,
    });
    assert.deepEqual(recordOf(spread, 'Observation/2'), recordOf(spread, 'Encounter/1'));
    assertInTwoRegions(spread);
  });

  it('names every file that cannot be used, and why', async () => {
    const patient = { resourceType: 'Patient', id: 'p' };
    const bad: BundleFile[] = [
      { file: 'ok.json', bundle: patient },
      { file: 'a.json', problem: 'is not JSON' },
      { file: 'b.json', bundle: [1, 2] },
      { file: 'c.json', bundle: { resourceType: 'Bundle', type: 'history', entry: [] } },
      {
        file: 'd.json',
        bundle: { resourceType: 'Bundle', type: 'collection', entry: [{ resource: 'text' }] },
      },
      {
        file: 'e.json',
        bundle: { resourceType: 'Observation', id: '1', subject: { reference: 'Patient/other' } },
      },
      { file: 'f.json', bundle: { resourceType: 'Observation', id: 'not an id' } },
      { file: 'g.json', bundle: { ...patient, gender: 'female' } },
    ];
    await assert.rejects(spreadBundles({ bundles: files(...bad), now: NOW }), (error: unknown) => {
      assert.ok(error instanceof StartError);
      for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g'])
        assert.match(error.message, new RegExp(`${name}\\.json`));
      assert.match(error.message, /7 of 8/);
      return true;
    });
  });

  it('refuses files without any patient', async () => {
    const bundles = files({ file: 'x.json', bundle: PRACTITIONERS });
    await assert.rejects(spreadBundles({ bundles, now: NOW }), StartError);
  });
});

describe('readBundles', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'wayleave-records-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('reads the .json files in order, and says which are none', async () => {
    await writeFile(join(directory, 'b.json'), '{');
    await writeFile(join(directory, 'a.json'), '{"resourceType":"Patient"}');
    await writeFile(join(directory, 'notes.txt'), 'hello');
    assert.deepEqual(await all(readBundles(directory)), [
      { file: 'a.json', bundle: { resourceType: 'Patient' } },
      { file: 'b.json', problem: 'is not JSON' },
    ]);
  });

  it('refuses a directory that is missing or empty', async () => {
    await assert.rejects(all(readBundles(directory)), StartError);
    await assert.rejects(all(readBundles(join(directory, 'missing'))), StartError);
  });
});

const SYNTHEA = '../shared/data/fhir/synthea-r4';

/** What the bundles above hold is held for these as well, on a machine that has them. */
const describeWhereThere = existsSync(SYNTHEA) ? describe : (): void => undefined;

describeWhereThere('spreadBundles with Synthea', () => {
  it('loses none of its 3,290 resources and holds none twice', async () => {
    const spread = await spreadBundles({ bundles: readBundles(SYNTHEA), now: NOW });
    const given: Resource[] = [];
    for await (const file of readBundles(SYNTHEA)) {
      const { entry: entries = [] } = ('bundle' in file ? file.bundle : {}) as Bundle;
      given.push(...entries.map(({ resource }) => resource as Resource));
    }
    assert.equal(given.length, 3290);
    assert.equal(spread.people.length, 17);
    assertWhole(spread, given);
    assertInTwoRegions(spread);
    assert.equal(spread.unresolved, 0);
    const held = spread.people.flatMap((person) => Object.values(person.held).flat());
    const own = given.map(keyOf).filter((key) => !SUPPORTING.some((type) => key.startsWith(`${type}/`)));
    assert.deepEqual([...new Set(held)].sort(), own.sort());
    const first = JSON.parse(await readFile(join(SYNTHEA, spread.people[0]?.file ?? ''), 'utf8')) as Bundle;
    const whole = first.entry?.filter(
      ({ resource }) => !SUPPORTING.includes(resource?.resourceType ?? ''),
    ).length;
    const counted = Object.values(spread.people[0]?.held ?? {}).flat();
    assert.equal(new Set(counted).size, whole);
  });
});
