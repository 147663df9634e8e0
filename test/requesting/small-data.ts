import type { DemoData } from '../../src/demo/demo-data.ts';
import { pdsPatient, type Person } from '../../src/demo/people/person.ts';
import { perRecord, perRegion, recordBase } from '../../src/demo/places.ts';
import { NHS_NUMBER_SYSTEM } from '../../src/fhir/nhs-number.ts';
import type { Resource } from '../../src/fhir/resource.ts';

/** Registered in Harlow, treated at Croydon (London) and at Ipswich (Essex and Suffolk). */
export const PATIENT = '9990000018';
/** Another one, known to the same records. */
export const NEIGHBOUR_PATIENT = '9990000026';
/** Known to demographics, to no record. */
export const NOWHERE_PATIENT = '9990000034';

/** How many Observations of the patient each record holds; their days interleave. */
export const IN_LONDON = 13;
export const IN_SUFFOLK = 9;

const person = (nhsNumber: string): Person => ({
  nhsNumber,
  given: 'Test',
  family: 'Person',
  gender: 'female',
  birthDate: '1990-01-01',
  line: '1 Test Street',
  phone: '0100',
  practice: 'F81027',
  registered: '2015-01-01',
});

function patient(id: string, nhsNumber: string): Resource {
  return {
    resourceType: 'Patient',
    id,
    identifier: [{ system: NHS_NUMBER_SYSTEM, value: nhsNumber }],
    name: [{ family: 'Person' }],
  };
}

function observation(id: string, subject: string, day: number): Resource {
  return {
    resourceType: 'Observation',
    id,
    status: 'final',
    code: { coding: [{ system: 'http://loinc.org', code: '8867-4' }], text: 'Heart rate' },
    subject: { reference: `Patient/${subject}` },
    effectiveDateTime: new Date(Date.UTC(2026, 0, day, 9)).toISOString(),
    valueQuantity: { value: 60 + day, unit: '/min' },
  };
}

function condition(id: string, subject: string, text: string): Resource {
  return { resourceType: 'Condition', id, subject: { reference: `Patient/${subject}` }, code: { text } };
}

const range = (count: number): number[] => Array.from({ length: count }, (_item, at) => at);

/** London: odd days. A letter with its Binary, which names a practitioner. */
function london(): Resource[] {
  return [
    patient('p1', PATIENT),
    patient('p2', NEIGHBOUR_PATIENT),
    // Loaded against the order of their dates, so that only a sort puts them right.
    ...range(IN_LONDON)
      .reverse()
      .map((at) => observation(`lon-${at}`, 'p1', 1 + 2 * at)),
    ...range(3).map((at) => observation(`other-${at}`, 'p2', 1 + at)),
    condition('c1', 'p1', 'Epilepsy'),
    condition('c2', 'p2', 'Asthma'),
    {
      resourceType: 'DocumentReference',
      id: 'd1',
      status: 'current',
      subject: { reference: 'Patient/p1' },
      author: [{ reference: 'Practitioner/dr' }],
      content: [
        { attachment: { contentType: 'text/plain', url: 'Binary/b1' } },
        // As some records write it: by their own address, which the federation replaces.
        { attachment: { contentType: 'text/plain', url: `${recordBase('london-care-record')}/Binary/b1` } },
        { attachment: { contentType: 'text/plain', url: 'https://elsewhere.example/fhir/Binary/b1' } },
      ],
    },
    {
      resourceType: 'DocumentReference',
      id: 'd2',
      status: 'current',
      subject: { reference: 'Patient/p2' },
      content: [{ attachment: { contentType: 'text/plain', url: 'Binary/b2' } }],
    },
    { resourceType: 'Practitioner', id: 'dr', name: [{ family: 'Lacey' }] },
    { resourceType: 'Binary', id: 'b1', contentType: 'text/plain', data: 'bGV0dGVy' },
    { resourceType: 'Binary', id: 'b2', contentType: 'text/plain', data: 'c2VjcmV0' },
  ];
}

/** Suffolk: even days. */
function suffolk(): Resource[] {
  return [
    patient('p1', PATIENT),
    patient('p2', NEIGHBOUR_PATIENT),
    ...range(IN_SUFFOLK)
      .reverse()
      .map((at) => observation(`suf-${at}`, 'p1', 2 + 2 * at)),
    condition('c1', 'p1', 'Fracture'),
    condition('c2', 'p2', 'Migraine'),
  ];
}

/** Two regions hold something about the patient, so that one can fail while the other answers. */
export function smallData(): DemoData {
  const records = { ...perRecord((): Resource[] => []) };
  records['london-care-record'] = london();
  records['suffolk-north-east-essex'] = suffolk();
  const seen = { firstSeen: '2026-01-01', lastSeen: '2026-02-01' };
  const locations = [PATIENT, NEIGHBOUR_PATIENT].flatMap((nhsNumber) =>
    ['RJ611', 'RDE03'].map((organisation) => ({ nhsNumber, organisation, ...seen })),
  );
  return {
    records,
    demographics: [PATIENT, NEIGHBOUR_PATIENT, NOWHERE_PATIENT].map((nhsNumber) => ({
      nhsNumber,
      patient: pdsPatient(person(nhsNumber)),
    })),
    careLocations: {
      ...perRegion(() => []),
      'herts-west-essex': locations,
      'essex-suffolk': [{ nhsNumber: PATIENT, organisation: 'RJ611', ...seen }],
    },
    objections: [],
  };
}
