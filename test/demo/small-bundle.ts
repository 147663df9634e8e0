import type { Bundle, Resource } from '../../src/fhir/resource.ts';

const urn = (id: string): string => `urn:uuid:${id}`;
const entry = (resource: Resource): { fullUrl: string; resource: Resource } => ({
  fullUrl: urn(resource.id ?? ''),
  resource,
});

/** Three encounters; the second's prescription is for the condition of the first. */
export const SMALL: Bundle = {
  resourceType: 'Bundle',
  type: 'transaction',
  entry: [
    entry({
      resourceType: 'Patient',
      id: 'p',
      identifier: [{ system: 'https://fhir.nhs.uk/Id/nhs-number', value: '9000000009' }],
      name: [{ family: 'Dach' }],
      generalPractitioner: [{ reference: urn('org') }],
    }),
    entry({ resourceType: 'Organization', id: 'org', name: 'Here' }),
    entry({ resourceType: 'Practitioner', id: 'unseen' }),
    ...['e1', 'e2', 'e3', 'e4'].map((id, index) =>
      entry({
        resourceType: 'Encounter',
        id,
        status: 'finished',
        subject: { reference: urn('p') },
        period: { start: `201${String(index)}-05-0${String(index + 1)}T10:00:00Z` },
        participant: [{ individual: { reference: 'Practitioner?identifier=npi|7' } }],
      }),
    ),
    entry({
      resourceType: 'Condition',
      id: 'c1',
      subject: { reference: urn('p') },
      encounter: { reference: urn('e1') },
    }),
    entry({
      resourceType: 'MedicationRequest',
      id: 'm2',
      subject: { reference: urn('p') },
      encounter: { reference: urn('e2') },
      reasonReference: [{ reference: urn('c1') }],
    }),
    entry({
      resourceType: 'Observation',
      id: 'o3',
      subject: { reference: urn('p') },
      encounter: { reference: urn('e3') },
    }),
    entry({
      resourceType: 'DocumentReference',
      id: 'd3',
      subject: { reference: urn('p') },
      content: [{ attachment: { url: urn('b3') } }],
      context: { encounter: [{ reference: urn('e3') }] },
    }),
    entry({ resourceType: 'Binary', id: 'b3', contentType: 'text/plain', data: 'aGk=' }),
    entry({
      resourceType: 'AllergyIntolerance',
      id: 'a',
      patient: { reference: urn('p') },
      recorder: { reference: 'Practitioner/gone' },
    }),
  ],
};
export const PRACTITIONERS: Bundle = {
  resourceType: 'Bundle',
  type: 'collection',
  entry: [
    entry({
      resourceType: 'Practitioner',
      id: 'seen',
      identifier: [{ system: 'npi', value: '7' }],
      qualification: [{ issuer: { reference: 'Organization/school' } }],
    }),
    entry({ resourceType: 'Organization', id: 'school' }),
  ],
};
