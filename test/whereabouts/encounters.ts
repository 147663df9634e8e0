import { NHS_NUMBER_SYSTEM } from '../../src/fhir/nhs-number.ts';
import type { Resource } from '../../src/fhir/resource.ts';

const ORGANISATION = 'https://fhir.nhs.uk/Id/ods-organization-code';

/** A finished Encounter of one patient at one organisation. */
export function encounter(nhsNumber: string, organisation: string, more: object = {}): Resource {
  return {
    ...{ resourceType: 'Encounter', status: 'finished', period: { start: '2026-03-01T10:00:00Z' } },
    subject: { identifier: { system: NHS_NUMBER_SYSTEM, value: nhsNumber } },
    serviceProvider: { identifier: { system: ORGANISATION, value: organisation } },
    reasonCode: [{ text: 'nobody else is to know' }],
    ...more,
  };
}
