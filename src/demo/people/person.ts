import { NHS_NUMBER_SYSTEM } from '../../fhir/nhs-number.ts';
import type { Resource } from '../../fhir/resource.ts';
import { practiceOf, type AnyRecordId } from '../places.ts';

export const ODS_SYSTEM = 'https://fhir.nhs.uk/Id/ods-organization-code';
export const UK_CORE = 'https://fhir.hl7.org.uk/StructureDefinition/UKCore-';

/** A synthetic person. Dates are `YYYY-MM-DD`. */
export interface Person {
  readonly nhsNumber: string;
  readonly given: string;
  readonly family: string;
  readonly gender: 'female' | 'male';
  readonly birthDate: string;
  readonly line: string;
  /** The last four digits of a telephone number from the range kept for drama (07700 900000 to 900999). */
  readonly phone: string;
  /** ODS code of a practice that `practiceOf` knows. */
  readonly practice: string;
  readonly registered: string;
}

/** How PDS answers where the plain answer is not the whole story. */
export interface Registration {
  /** Restricted: neither practice, address nor telecom is told. */
  readonly restricted?: boolean;
  readonly withoutPractice?: boolean;
  /** The day on which the registration ended. */
  readonly ended?: string;
}

function contactOf(person: Person): Record<string, unknown> {
  const { town, district } = practiceOf(person.practice);
  return {
    telecom: [{ system: 'phone', use: 'mobile', value: `07700 90${person.phone}` }],
    address: [{ use: 'home', line: [person.line], city: town, postalCode: `${district} 1AA` }],
  };
}

function identityOf(person: Person, numberUsed = person.nhsNumber): Record<string, unknown> {
  const verified = {
    url: `https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus`,
    valueCodeableConcept: {
      coding: [
        {
          system: 'https://fhir.hl7.org.uk/CodeSystem/UKCore-NHSNumberVerificationStatus',
          version: '1.0.0',
          code: '01',
          display: 'Number present and verified',
        },
      ],
    },
  };
  return {
    identifier: [{ extension: [verified], system: NHS_NUMBER_SYSTEM, value: numberUsed }],
    name: [{ id: '123', use: 'usual', given: [person.given], family: person.family }],
    gender: person.gender,
    birthDate: person.birthDate,
  };
}

/** The answer of PDS FHIR R4 to `GET Patient/{nhs-number}`. */
export function pdsPatient(person: Person, registration: Registration = {}): Resource {
  const { restricted = false, withoutPractice = false, ended } = registration;
  const period = { start: person.registered, ...(ended !== undefined && { end: ended }) };
  const practice = { system: ODS_SYSTEM, value: person.practice, period };
  const security = restricted ? { code: 'R', display: 'restricted' } : { code: 'U', display: 'unrestricted' };
  return {
    resourceType: 'Patient',
    id: person.nhsNumber,
    meta: {
      versionId: '2',
      security: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', ...security }],
    },
    ...identityOf(person),
    ...(!restricted && contactOf(person)),
    ...(!restricted &&
      !withoutPractice && {
        generalPractitioner: [{ id: '254406A3', type: 'Organization', identifier: practice }],
      }),
  };
}

/**
 * The Patient resource that one record keeps, under its own id.
 *
 * @param held what this record differs in: an older NHS number, or no address because the patient is restricted
 */
export function localPatient(
  person: Person,
  record: AnyRecordId,
  id: string,
  held: { nhsNumber?: string | undefined; restricted?: boolean | undefined } = {},
): Resource {
  const { name, ods } = practiceOf(person.practice);
  const identity = identityOf(person, held.nhsNumber);
  const local = { system: `https://wayleave.example/Id/${record}/patient`, value: `P${id}` };
  return {
    resourceType: 'Patient',
    id,
    ...identity,
    identifier: [...(identity['identifier'] as object[]), local],
    active: true,
    ...(held.restricted !== true && contactOf(person)),
    ...(held.restricted !== true && {
      generalPractitioner: [{ identifier: { system: ODS_SYSTEM, value: ods }, display: name }],
    }),
  };
}
