import { RequestError } from '../errors.ts';
import { NHS_NUMBER_SYSTEM, nhsNumbersOf } from '../fhir/nhs-number.ts';
import { recordBase } from '../fhir/record-base.ts';
import type { BundleEntry } from '../fhir/resource.ts';
import { checkSearch, type Search } from '../fhir/search-parameters.ts';
import { overallOf } from './ask-region.ts';
import type { PatientRef, SearchQuestion } from './question.ts';
import type { RegionAnswer } from './region-answer.ts';
import type { Requesting } from './requesting.ts';

/** @throws RequestError `not-found` for a record that no approved statement lists */
export function checkRecordIsKnown(
  { region, record }: Pick<Extract<PatientRef, { kind: 'regional' }>, 'region' | 'record'>,
  broker: Pick<Requesting, 'region' | 'ownRecords' | 'links'>,
): void {
  const theirs = broker.links.get(region)?.neighbour.broker.records.map(({ id }) => id) ?? [];
  const known = region === broker.region ? broker.ownRecords : theirs;
  if (!known.includes(record)) throw new RequestError('not-found');
}

/** A question about one record's own Patient also asks who that is there. */
export function withPatientProbe({ patient, searches }: SearchQuestion): readonly Search[] {
  if (patient.kind !== 'regional' || searches.some((search) => search.type === 'Patient')) return searches;
  return [...searches, checkSearch('Patient', [])];
}

/**
 * The answers of a question about one record's own Patient, without the probe. Where the record was not asked,
 * or told nothing, whom it knows stays open.
 *
 * @throws RequestError `not-found` when the record knows the patient under another id, or not at all
 */
export function checkNamedPatient(
  answers: readonly RegionAnswer[],
  { patient, searches }: SearchQuestion,
  broker: Requesting,
): RegionAnswer[] {
  if (patient.kind !== 'regional') return [...answers];
  const entity = broker.links.get(patient.region)?.neighbour.entity ?? '';
  const named = `${recordBase(entity, patient.region, patient.record)}/Patient/${patient.id}`;
  const probeIsOurs = !searches.some((search) => search.type === 'Patient');
  return answers.map((answer) => {
    if (answer.region !== patient.region || !answer.responded || answer.outcome === 'withheld') return answer;
    const probe = answer.sources.filter((source) => source.search === 'Patient');
    const told = probe.some(({ outcome }) => outcome === 'answered' || outcome === 'none');
    const known = probe.some((source) => source.matches.some((entry) => entry.fullUrl === named));
    if (told && !known) throw new RequestError('not-found');
    if (!probeIsOurs) return answer;
    const sources = answer.sources.filter((source) => source.search !== 'Patient');
    const first = sources.findIndex(({ matches }) => matches.length > 0);
    const own = sources[first];
    // Nothing comes twice in a region's answer: whom the matches are about came with the probe.
    if (own !== undefined) {
      const patients = probe.flatMap(({ matches }) => matches.map(asInclude));
      sources[first] = { ...own, includes: [...patients, ...own.includes] };
    }
    return { ...answer, reason: undefined, ...overallOf(sources), sources };
  });
}

/** The Patient as it is included anywhere: with nothing but its id and NHS numbers. */
function asInclude({ fullUrl, resource }: BundleEntry): BundleEntry {
  const numbers = nhsNumbersOf(resource?.['identifier']);
  return {
    ...(fullUrl === undefined ? {} : { fullUrl }),
    resource: {
      resourceType: 'Patient',
      ...(resource?.id === undefined ? {} : { id: resource.id }),
      identifier: numbers.map((value) => ({ system: NHS_NUMBER_SYSTEM, value })),
    },
    search: { mode: 'include' },
  };
}
