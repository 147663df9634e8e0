import { NHS_NUMBER_SYSTEM } from '../../fhir/nhs-number.ts';
import { isObject, type Resource } from '../../fhir/resource.ts';
import { ODS_SYSTEM } from '../people/person.ts';
import type { Practice } from '../places.ts';

/** The Patient as a record keeps it: with the NHS number given here in place of any other, and the practice. */
export function registered<T extends Resource>(patient: T, nhsNumber: string, practice: Practice): T {
  const others = listOf(patient['identifier']).filter((item) => item['system'] !== NHS_NUMBER_SYSTEM);
  return {
    ...patient,
    identifier: [{ system: NHS_NUMBER_SYSTEM, value: nhsNumber }, ...others],
    generalPractitioner: [
      { identifier: { system: ODS_SYSTEM, value: practice.ods }, display: practice.name },
      ...listOf(patient['generalPractitioner']),
    ],
  };
}

/** The answer of PDS for a Patient of anyone's. */
export function pdsAnswer(patient: Resource, nhsNumber: string, practice: Practice, since: string): Resource {
  const { name, gender, birthDate, deceasedDateTime } = patient;
  return {
    resourceType: 'Patient',
    id: nhsNumber,
    meta: {
      versionId: '1',
      security: [
        {
          system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality',
          code: 'U',
          display: 'unrestricted',
        },
      ],
    },
    identifier: [{ system: NHS_NUMBER_SYSTEM, value: nhsNumber }],
    ...(name !== undefined && { name }),
    ...(gender !== undefined && { gender }),
    ...(birthDate !== undefined && { birthDate }),
    ...(deceasedDateTime !== undefined && { deceasedDateTime }),
    generalPractitioner: [
      {
        id: '254406A3',
        type: 'Organization',
        identifier: { system: ODS_SYSTEM, value: practice.ods, period: { start: since } },
      },
    ],
  };
}

function listOf(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
