import { NHS_NUMBER_SYSTEM } from '../../src/fhir/nhs-number.ts';
import type { Resource } from '../../src/fhir/resource.ts';

export const NUMBER = '9990000018';
export const OTHER = '9990000026';

export const patient = (id: string, nhsNumber: string): Resource => ({
  resourceType: 'Patient',
  id,
  identifier: [{ system: NHS_NUMBER_SYSTEM, value: nhsNumber }],
  name: [{ family: 'Åström', given: ['Zoë'] }],
});
const observation = (id: string, of: string, more: Record<string, unknown>): Resource => ({
  resourceType: 'Observation',
  id,
  meta: { lastUpdated: '2026-01-01T00:00:00Z' },
  status: 'final',
  code: { coding: [{ system: 'http://loinc.org', code: '8867-4' }], text: 'Heart rate' },
  subject: { reference: `Patient/${of}` },
  ...more,
});

/** Dates written in every way FHIR allows; as text they would sort in another order. */
export const DATED = [
  observation('d1', 'p1', { effectiveDateTime: '2026-03-01T23:30:00-05:00' }),
  observation('d2', 'p1', { effectiveDateTime: '2026-03-02T01:00:00+00:00' }),
  observation('d3', 'p1', { effectiveDateTime: '2026-03-02T00:30:00+02:00' }),
  observation('d4', 'p1', { effectivePeriod: { start: '2026-02-01', end: '2026-05-01' } }),
  observation('d5', 'p1', { effectiveDateTime: '2025' }),
  observation('d6', 'p1', {}),
];
export const BY_DATE = ['d5', 'd4', 'd3', 'd2', 'd1'].map((id) => `Observation/${id}`);

export const RESOURCES: Resource[] = [
  patient('p1', NUMBER),
  patient('p2', OTHER),
  ...DATED,
  observation('o2', 'p2', { effectiveDateTime: '2026-03-02' }),
  { resourceType: 'Practitioner', id: 'dr', name: [{ family: 'Lacey' }] },
  { resourceType: 'Medication', id: 'm1', code: { text: 'Levetiracetam' } },
  {
    resourceType: 'MedicationRequest',
    id: 'r1',
    meta: { lastUpdated: '2026-06-01T00:00:00Z', tag: [{ system: 'urn:t', code: 'acute' }] },
    status: 'active',
    intent: 'order',
    medicationReference: { reference: 'Medication/m1' },
    subject: { reference: 'Patient/p1' },
    requester: { reference: 'Practitioner/dr' },
    authoredOn: '2026-05-01',
  },
  {
    resourceType: 'Appointment',
    id: 'a1',
    status: 'booked',
    participant: [{ status: 'accepted', actor: { reference: 'Patient/p1' } }],
  },
  {
    resourceType: 'AllergyIntolerance',
    id: 'al1',
    patient: { reference: 'Patient/p1' },
    code: { coding: [{ system: 'http://snomed.info/sct', code: '764146007', display: 'Penicillin' }] },
  },
  { resourceType: 'Binary', id: 'b1', contentType: 'text/plain', data: 'aGVsbG8=' },
  ...Array.from({ length: 130 }, (_, index) =>
    observation(`many-${String(index).padStart(3, '0')}`, 'p2', {
      code: { coding: [{ system: 'http://loinc.org', code: '29463-7' }] },
      valueQuantity: { value: 50 + index, unit: 'kg', system: 'http://unitsofmeasure.org', code: 'kg' },
      meta: { lastUpdated: `2026-02-${String(1 + (index % 28)).padStart(2, '0')}T00:00:00Z` },
    }),
  ),
];
