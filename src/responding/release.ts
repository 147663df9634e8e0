import { careSetting, type Agreement } from '../config/schema.ts';
import { EvidenceError } from '../errors.ts';
import type { Source } from '../evidence/claims.ts';
import { NHS_NUMBER_SYSTEM, nhsNumbersOf } from '../fhir/nhs-number.ts';
import { moveBase, referencesIn } from '../fhir/references.ts';
import type { BundleEntry, Resource } from '../fhir/resource.ts';
import { recordBase } from '../fhir/record-base.ts';
import { checkSubjects, patientIdsIn } from '../fhir/subject-check.ts';
import type { RecordLink } from '../upstream/record-link.ts';
import type { Permission } from './decide-sharing.ts';
import { isRestrictedPatient, labelWithholds, settingIsShared } from './labels.ts';
import type { Reading } from './reading.ts';
import type { RecordAnswer } from './record-answer.ts';
import type { RecordPage } from './search-record.ts';

const SUBSETTED = { system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'SUBSETTED' };

/**
 * What may leave of what one record gave: first the subject check of every resource, then labels and care
 * settings, then the record's own addresses are replaced by the federation's.
 *
 * @throws EvidenceError `wrong-subject`: the record is failed as a whole
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
  const all = pages
    .flatMap((page) => page.entries.map((entry) => entry.resource))
    .filter((found) => found !== undefined);
  checkSubjects(all, { nhsNumbers, patientIds, bases: [link.record.base] });
  if (patients.some(isRestrictedPatient)) return { record, sources: [], entries: [], restricted: true };

  const wire = recordBase(reading.entity, reading.region, record);
  const toEntry = (resource: Resource, mode: 'match' | 'include'): BundleEntry => ({
    fullUrl: `${wire}/${resource.resourceType}/${resource.id}`,
    resource: moveBase(resource, link.record.base, wire),
    search: { mode },
  });

  const sources: Source[] = [];
  const entries: BundleEntry[] = [];
  let identified = false;
  for (const page of pages) {
    const { matches, includes, source } = releasePage(page, permission, link);
    sources.push(source);
    entries.push(...matches.map((match) => toEntry(match, 'match')));
    if (source.count > 0 && !identified) {
      // Who the references point to: with this the requester can make the subject check by itself.
      identified = true;
      if (page.search.search.type !== 'Patient') {
        entries.push(...patients.map((patient) => toEntry(identifierOnly(patient, nhsNumbers), 'include')));
      }
    }
    entries.push(...includes.map((include) => toEntry(include, 'include')));
  }
  return { record, sources, entries, restricted: false };
}

function releasePage(page: RecordPage, permission: Permission, link: RecordLink) {
  const { agreement } = permission;
  const { type } = page.search.search;
  const given = page.entries.filter((entry) => entry.resource !== undefined) as (BundleEntry & {
    resource: Resource;
  })[];
  const isMatch = (entry: BundleEntry): boolean => entry.search?.mode !== 'include';
  if (given.some((entry) => isMatch(entry) && entry.resource.resourceType !== type)) {
    throw new EvidenceError('bad-bundle', 'another type than was searched');
  }
  const shared = given.filter(({ resource }) =>
    settingIsShared(resource, link.record.care_setting, agreement),
  );
  const released = shared.filter(({ resource }) => !labelWithholds(resource, agreement));
  const matches = released.filter(isMatch).map(({ resource }) => resource);
  const referred = new Set(matches.flatMap((match) => [...referencesIn(match, [link.record.base])]));
  const includes = released
    .filter((entry) => !isMatch(entry))
    .map(({ resource }) => resource)
    .filter((resource) => referred.has(`${resource.resourceType}/${resource.id}`));
  const labelled = released.length < shared.length;
  const total = labelled ? undefined : totalOf(page, matches.length, agreement);
  const source: Source = {
    record: link.record.id,
    search: page.search.id,
    outcome: outcomeOf(matches.length, labelled, page.cutOff),
    count: matches.length,
    ...(total === undefined ? {} : { total }),
    ...(page.cursor === undefined ? {} : { cursor: page.cursor }),
    ...(page.asOf === undefined ? {} : { as_of: page.asOf }),
    ...(labelled ? { reason: 'label' } : page.cutOff ? { reason: 'paging' } : {}),
  };
  return { matches, includes, source };
}

/** The record's own total is handed on only where nothing can hide behind it. */
function totalOf(page: RecordPage, count: number, agreement: Agreement): number | undefined {
  const whole = page.cursor === undefined && !page.cutOff && page.search.cursor === undefined;
  if (whole) return count;
  const allShared = careSetting.options.every((setting) => agreement.care_settings.includes(setting));
  return allShared ? page.total : undefined;
}

function outcomeOf(count: number, labelled: boolean, cutOff: boolean): Source['outcome'] {
  if (labelled) return count === 0 ? 'withheld' : 'partial';
  if (cutOff) return 'partial';
  return count === 0 ? 'none' : 'answered';
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
