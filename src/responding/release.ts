import { careSetting, type Agreement } from '../config/schema.ts';
import { EvidenceError } from '../errors.ts';
import type { Source } from '../evidence/claims.ts';
import { NHS_NUMBER_SYSTEM, nhsNumbersOf } from '../fhir/nhs-number.ts';
import { recordBase } from '../fhir/record-base.ts';
import { moveBase, referencesIn } from '../fhir/references.ts';
import { nameOf, type FilledEntry, type Resource } from '../fhir/resource.ts';
import { hasContentFilter } from '../fhir/search-parameters.ts';
import { checkSubjects, isAboutAPatient, patientIdsIn } from '../fhir/subject-check.ts';
import type { RecordLink } from '../upstream/record-link.ts';
import type { Permission } from './decide-sharing.ts';
import { hasUnknownSetting, labelWithholds, settingIsShared } from './labels.ts';
import type { Reading } from './reading.ts';
import { numbersOn, type RecordAnswer } from './record-answer.ts';
import type { RecordEntry } from './record-bundle.ts';
import type { RecordPage } from './search-record.ts';

const SUBSETTED = { system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'SUBSETTED' };

/**
 * What may leave of what one record gave: first the subject check of every resource, then labels and care
 * settings, then the record's own addresses are replaced by the federation's.
 *
 * @throws EvidenceError `wrong-subject`, `bad-bundle`: the record is failed as a whole
 */
export function release(
  patients: readonly Resource[],
  pages: readonly RecordPage[],
  permission: Permission,
  link: RecordLink,
  reading: Pick<Reading, 'entity' | 'region'>,
): RecordAnswer {
  const record = link.record.id;
  const { nhsNumbers } = permission.query;
  const patientIds = patientIdsIn(patients, nhsNumbers);
  const all = pages.flatMap((page) => page.entries.map((entry) => entry.resource));
  checkSubjects(all, { nhsNumbers, patientIds, bases: [link.record.base] });

  const wire = recordBase(reading.entity, reading.region, record);
  const toEntry = (resource: Resource, mode: 'match' | 'include'): FilledEntry => ({
    fullUrl: `${wire}/${nameOf(resource)}`,
    resource: moveBase(resource, link.record.base, wire),
    search: { mode },
  });

  const released = pages.map((page) => releasePage(page, permission, link));
  // Who the references point to: with this the requester can make the subject check by itself.
  const identities = patients.map((patient) => identifierOnly(patient, nhsNumbers));
  const given = new Set(released.flatMap(({ matches }) => matches.map(nameOf)));
  const entries: FilledEntry[] = [];
  for (const { matches, includes } of released) {
    entries.push(...matches.map((match) => toEntry(match, 'match')));
    if (matches.length === 0) continue;
    // Nothing comes twice, whatever a record volunteers: a Bundle has one entry for each `fullUrl` (FHIR R4, bdl-7).
    for (const include of [...identities, ...includes]) {
      if (given.has(nameOf(include))) continue;
      given.add(nameOf(include));
      entries.push(toEntry(include, 'include'));
    }
  }
  const sources = released.map(({ source }) => source);
  return { record, sources, entries, restricted: false, nhsNumbers: numbersOn(patients) };
}

function releasePage(page: RecordPage, permission: Permission, link: RecordLink) {
  const { agreement } = permission;
  const { search, id } = page.search;
  const isMatch = (entry: RecordEntry): boolean => entry.search?.mode !== 'include';
  if (page.entries.some((entry) => isMatch(entry) && entry.resource.resourceType !== search.type)) {
    throw new EvidenceError('bad-bundle', 'another type than was searched');
  }
  const setting = link.record.care_setting;
  const shared = page.entries.filter(({ resource }) => settingIsShared(resource, setting, agreement));
  const released = shared.filter(({ resource }) => !labelWithholds(resource, agreement));
  const matches = released.filter(isMatch).map(({ resource }) => resource);
  const referred = new Set(matches.flatMap((match) => [...referencesIn(match, [link.record.base])]));
  const includes = released
    .filter((entry) => !isMatch(entry) && mayInclude(entry.resource, agreement, link))
    .map(({ resource }) => resource)
    .filter((resource) => referred.has(nameOf(resource)));
  // Told only of a search for all: with a filter by content it would answer "has the patient a withheld X?".
  const labelled = released.length < shared.length && !hasContentFilter(search);
  const unknown = page.entries.some(({ resource }) => hasUnknownSetting(resource));
  const reason = page.failed ?? (labelled ? 'label' : unknown ? 'agreement' : page.missing);
  const whole = page.cursor === undefined && reason === undefined && page.search.cursor === undefined;
  const source: Source = {
    record: link.record.id,
    search: id,
    outcome: outcomeOf(page, matches.length, reason),
    count: matches.length,
    // A total of more than is on the page would count what is withheld on the pages to come.
    ...(whole ? { total: matches.length } : {}),
    ...(page.cursor === undefined ? {} : { cursor: page.cursor }),
    ...(page.asOf === undefined ? {} : { as_of: page.asOf }),
    ...(reason === undefined ? {} : { reason }),
  };
  return { matches, includes, source };
}

function outcomeOf(page: RecordPage, count: number, reason: string | undefined): Source['outcome'] {
  if (page.failed !== undefined) return 'not-reached';
  if (reason === 'label' && count === 0 && page.cursor === undefined) return 'withheld';
  if (reason !== undefined) return 'partial';
  return count === 0 && page.cursor === undefined ? 'none' : 'answered';
}

/** What is included is shared under the same agreement as what is asked for. */
function mayInclude(resource: Resource, agreement: Agreement, link: RecordLink): boolean {
  const { resourceType: type } = resource;
  return !isAboutAPatient(resource) || (agreement.types.includes(type) && link.record.offers.includes(type));
}

/** The record's Patient with nothing but its id and the NHS number that was asked for. */
function identifierOnly(patient: Resource, nhsNumbers: ReadonlySet<string>): Resource {
  const numbers = nhsNumbersOf(patient['identifier']).filter((number) => nhsNumbers.has(number));
  return {
    resourceType: 'Patient',
    ...(patient.id === undefined ? {} : { id: patient.id }),
    meta: { tag: [SUBSETTED] },
    identifier: numbers.map((value) => ({ system: NHS_NUMBER_SYSTEM, value })),
  };
}

/** The care settings that an agreement leaves out by design, whoever the patient is. */
export function settingsLeftOut(agreement: Agreement): string[] {
  return careSetting.options.filter((setting) => !agreement.care_settings.includes(setting));
}
