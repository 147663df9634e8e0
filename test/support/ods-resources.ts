const EXTENSION = 'https://fhir.nhs.uk/England/StructureDefinition/Extension-England-';
const SYSTEM = 'https://digital.nhs.uk/services/organisation-data-service/CodeSystem/';

/** An Organization as the Organisation Data Service's FHIR R4 server gives it. */
export function odsOrganization(
  id: string,
  more: { name?: string; active?: boolean; roles?: readonly string[]; start?: string; end?: string } = {},
): object {
  const {
    name = `ORGANISATION ${id}`,
    active = true,
    roles = ['RO177', 'RO76'],
    start = '1974-04-01',
    end,
  } = more;
  return {
    resourceType: 'Organization',
    id,
    meta: { lastUpdated: '2026-11-20T00:00:00+00:00' },
    extension: [
      ...roles.map((code, n) => ({
        url: `${EXTENSION}OrganisationRole`,
        extension: [
          { url: 'instanceID', valueInteger: n },
          {
            url: 'roleCode',
            valueCodeableConcept: { coding: [{ system: `${SYSTEM}ODSOrganisationRole`, code }] },
          },
          { url: 'primaryRole', valueBoolean: n === 0 },
          { url: 'active', valueBoolean: true },
        ],
      })),
      {
        url: `${EXTENSION}TypedPeriod`,
        extension: [
          { url: 'dateType', valueCoding: { system: `${SYSTEM}PeriodType`, code: 'Operational' } },
          { url: 'period', valuePeriod: { start, ...(end === undefined ? {} : { end }) } },
        ],
      },
    ],
    identifier: [{ system: 'https://fhir.nhs.uk/Id/ods-organization-code', value: id }],
    active,
    name,
  };
}

/** An OrganizationAffiliation: `of` is commissioned by `by` (RE4), or operated by it (RE6). */
export function odsAffiliation(
  of: string,
  by: string,
  more: { code?: string; active?: boolean; start?: string; end?: string } = {},
): object {
  const { code = 'RE4', active = true, start = '2026-11-01', end } = more;
  return {
    resourceType: 'OrganizationAffiliation',
    id: `${of}-${by}`,
    active,
    period: { start, ...(end === undefined ? {} : { end }) },
    organization: { reference: `Organization/${by}` },
    participatingOrganization: { reference: `Organization/${of}` },
    code: [{ coding: [{ system: `${SYSTEM}ODSRelationship`, code }] }],
  };
}

export function searchset(resources: readonly unknown[], next?: string): object {
  return {
    resourceType: 'Bundle',
    type: 'searchset',
    link: next === undefined ? [] : [{ relation: 'next', url: next }],
    entry: resources.map((resource) => ({ resource })),
  };
}
