import { isNhsNumber, NHS_NUMBER_SYSTEM } from '../fhir/nhs-number.ts';
import { isObject } from '../fhir/resource.ts';
import { seenTimes, type SeenTimes, type TimeFault } from './sighting-times.ts';

const ORGANISATION_SYSTEM = 'https://fhir.nhs.uk/Id/ods-organization-code';
const SITE_SYSTEM = 'https://fhir.nhs.uk/Id/ods-site-code';
const ODS_CODE = /^[A-Z0-9]{3,12}$/;
/** Nobody was there, or not yet. */
const NOT_A_SIGHTING = new Set(['entered-in-error', 'cancelled', 'planned']);
const MOST_ORGANISATIONS = 20;

/** Where a patient was, and when. */
export interface EncounterSighting extends SeenTimes {
  readonly subject: EncounterSubject;
  /** Site codes, and the organisations that none of these sites is one of. */
  readonly organisations: readonly string[];
}

/** The NHS number, or the Patient in the same record that has it. */
export type EncounterSubject = { readonly nhsNumber: string } | { readonly reference: string };

export type EncounterFault =
  | 'not-an-encounter'
  | 'nhs-number-missing'
  | 'nhs-number-wrong'
  | 'organisation-missing'
  | 'organisation-wrong'
  | TimeFault;

/**
 * Reads a FHIR R4 Encounter for where and when alone: nothing else of it is looked at.
 *
 * @returns `not-a-sighting` where its status says that nobody was there; a fault without any value of the patient's
 */
export function readEncounter(
  encounter: unknown,
  now: number,
): EncounterSighting | 'not-a-sighting' | EncounterFault {
  if (!isObject(encounter) || encounter['resourceType'] !== 'Encounter') return 'not-an-encounter';
  if (NOT_A_SIGHTING.has(textOf(encounter['status']))) return 'not-a-sighting';
  const subject = subjectOf(encounter);
  if (typeof subject === 'string') return subject;
  const organisations = organisationsOf(encounter);
  if (typeof organisations === 'string') return organisations;
  const period = isObject(encounter['period']) ? encounter['period'] : {};
  const times = seenTimes(textOf(period['start']), textOf(period['end']), now);
  return typeof times === 'string' ? times : { subject, organisations, ...times };
}

type Named = { readonly nhsNumber: string } | 'nhs-number-missing' | 'nhs-number-wrong';

/** The NHS number of a Patient, or what is wrong with it. */
export function numberOfPatient(patient: unknown): Named {
  const identifiers = isObject(patient) && Array.isArray(patient['identifier']) ? patient['identifier'] : [];
  return numberAmong(identifiers as unknown[]);
}

function subjectOf(encounter: Record<string, unknown>): EncounterSubject | EncounterFault {
  const subject = isObject(encounter['subject']) ? encounter['subject'] : {};
  const named = numberAmong([subject['identifier']]);
  const reference = textOf(subject['reference']);
  if (named !== 'nhs-number-missing' || reference === '') return named;
  if (!reference.startsWith('#')) return { reference };
  const contained = Array.isArray(encounter['contained']) ? (encounter['contained'] as unknown[]) : [];
  return numberOfPatient(contained.find((one) => isObject(one) && `#${textOf(one['id'])}` === reference));
}

function numberAmong(identifiers: readonly unknown[]): Named {
  const values = identifiers.flatMap((one) =>
    isObject(one) && one['system'] === NHS_NUMBER_SYSTEM && one['use'] !== 'old'
      ? [textOf(one['value'])]
      : [],
  );
  if (values.length === 0) return 'nhs-number-missing';
  const [nhsNumber, ...others] = new Set(values.filter(isNhsNumber));
  // Whose it is of two cannot be told.
  return nhsNumber === undefined || others.length > 0 ? 'nhs-number-wrong' : { nhsNumber };
}

function organisationsOf(encounter: Record<string, unknown>): string[] | EncounterFault {
  const places = Array.isArray(encounter['location']) ? (encounter['location'] as unknown[]) : [];
  const identifiers = [
    ...places.map((one) =>
      isObject(one) && isObject(one['location']) ? one['location']['identifier'] : undefined,
    ),
    isObject(encounter['serviceProvider']) ? encounter['serviceProvider']['identifier'] : undefined,
  ].filter(isObject);
  const of = (system: string): string[] =>
    identifiers.filter((one) => one['system'] === system).map((one) => textOf(one['value']));
  const sites = of(SITE_SYSTEM);
  const organisations = of(ORGANISATION_SYSTEM).filter(
    (code) => !sites.some((site) => site.startsWith(code)),
  );
  const codes = [...new Set([...sites, ...organisations])];
  if (codes.length === 0) return 'organisation-missing';
  if (codes.length > MOST_ORGANISATIONS || !codes.every(isOdsCode)) return 'organisation-wrong';
  return codes;
}

export function isOdsCode(text: string): boolean {
  return ODS_CODE.test(text);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
