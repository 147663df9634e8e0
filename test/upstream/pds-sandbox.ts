import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Resource } from '../../src/fhir/resource.ts';
import type { Registration } from '../../src/routing/registration.ts';

const CONFIDENTIALITY = 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality';
const STUBS = join(import.meta.dirname, '../../../shared/data/fhir/pds-sandbox-stubs/patientResponses');

/** Of some patients of its sandbox: what is read of its answers, and what that means. */
export const SANDBOX: Record<string, [Partial<Resource>, Registration]> = {
  '9000000009': [
    {
      meta: { security: [{ system: CONFIDENTIALITY, code: 'U', display: 'unrestricted' }] },
      generalPractitioner: [
        {
          ...{ id: '254406A3', type: 'Organization' },
          identifier: {
            ...{ system: 'https://fhir.nhs.uk/Id/ods-organization-code', value: 'Y12345' },
            period: { start: '2020-01-01', end: '2021-12-31' },
          },
        },
      ],
      deceasedDateTime: '2010-10-22T00:00:00+00:00',
    },
    {
      ...{ kind: 'ended', practice: 'Y12345', current: '9000000009' },
      ...{ deceased: true, since: '2020-01-01' },
    },
  ],
  '9000000025': [
    {
      meta: { security: [{ system: CONFIDENTIALITY, code: 'R', display: 'restricted' }] },
      deceasedDateTime: '2010-10-22T00:00:00+00:00',
    },
    { kind: 'restricted', current: '9000000025' },
  ],
  '9000000033': [
    { meta: { security: [{ system: CONFIDENTIALITY, code: 'U', display: 'unrestricted' }] } },
    { kind: 'no-practice', current: '9000000033' },
  ],
  '9693632109': [
    {
      meta: { security: [{ system: CONFIDENTIALITY, code: 'U', display: 'unrestricted' }] },
      generalPractitioner: [
        {
          ...{ id: 'uMbZF', type: 'Organization' },
          identifier: {
            ...{ system: 'https://fhir.nhs.uk/Id/ods-organization-code', value: 'A20047' },
            period: { start: '2005-03-05' },
          },
        },
      ],
    },
    { kind: 'registered', practice: 'A20047', current: '9693632109', since: '2005-03-05' },
  ],
};
const inBrief = (number: string): Resource => ({
  ...{ resourceType: 'Patient', id: number },
  identifier: [{ system: 'https://fhir.nhs.uk/Id/nhs-number', value: number }],
  ...SANDBOX[number]?.[0],
});
const asPublished = (number: string): Resource =>
  JSON.parse(readFileSync(join(STUBS, `patient_${number}.json`), 'utf8')) as Resource;
/** The same where they are published stand beside the project. */
export const SANDBOX_ANSWERS: [string, (number: string) => Resource][] = [
  ['in brief', inBrief],
  ...(existsSync(STUBS) ? [['as they are published', asPublished] as [string, typeof inBrief]] : []),
];
