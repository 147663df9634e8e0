import type { Deadline } from '../deadline.ts';
import { RequestError } from '../errors.ts';
import { signQuery } from '../evidence/query.ts';
import { OUTCOMES, SYSTEM, type Outcome, type Reason } from '../fhir/codes.ts';
import { operationOutcome } from '../fhir/operation-outcome.ts';
import { recordBase } from '../fhir/record-base.ts';
import { referencesIn } from '../fhir/references.ts';
import { nameOf } from '../fhir/resource.ts';
import { checkSearch } from '../fhir/search-parameters.ts';
import { isAboutAPatient } from '../fhir/subject-check.ts';
import type { FhirAnswer } from './answer-search.ts';
import type { AskedBy } from './asking.ts';
import { mergedEntry } from './merge.ts';
import { checkRecordIsKnown } from './named-patient.ts';
import type { PlannedQuestion } from '../routing/plan-for.ts';
import type { SourceState } from './paging.ts';
import { NOTHING_SHOWN } from './release-page.ts';
import { planQuestion } from './plan-question.ts';
import { mayBeElsewhere } from './roll-call.ts';
import { commonClaims, signSearches } from './region-query.ts';
import { askAll } from './request-record.ts';
import type { Requesting } from './requesting.ts';

export interface ReadRequest extends AskedBy {
  readonly region: string;
  readonly record: string;
  /** `Type/id` within that record. */
  readonly resource: string;
  /** `Type/id` of the patient's resource that refers to it, for one outside the Patient compartment. */
  readonly via: string | undefined;
}

/** Which of the patient's resources are likely to refer to a resource that is about no patient. */
const LIKELY_VIA: Readonly<Record<string, readonly string[]>> = {
  Binary: ['DocumentReference', 'DiagnosticReport'],
  Location: ['Encounter', 'Appointment'],
  Medication: ['MedicationRequest', 'MedicationStatement'],
  Organization: ['Encounter', 'DocumentReference'],
  Practitioner: ['Encounter', 'MedicationRequest', 'DiagnosticReport', 'DocumentReference'],
  PractitionerRole: ['Encounter', 'MedicationRequest'],
};
const STATUS: Partial<Record<Outcome, number>> = { withheld: 403, 'not-reached': 504 };
const MOST_VIA_PAGES = 20;
/** After these, what was not found is not there. */
const LOOKED: ReadonlySet<Outcome> = new Set(['answered', 'none', 'not-offered']);

/**
 * Reads one resource at its `fullUrl`, through the federation. A resource about no patient (a document's
 * Binary) is looked for among those that the patient's own resources refer to.
 */
export async function answerRead(
  request: ReadRequest,
  broker: Requesting,
  deadline: Deadline,
): Promise<FhirAnswer> {
  const { region, record, viewer } = request;
  checkRecordIsKnown(request, broker);
  const patient = { kind: 'regional', region, record, id: '' } as const;
  const planned = await planQuestion({ ...request, patient }, broker, deadline);
  const place = planned.plan.regions.find((one) => one.region === region);
  if (place === undefined) throw new RequestError('not-found');
  if (!place.ask) {
    // That nothing leads there is no ground for saying that nothing is there, where whoever could tell was not reached.
    const isOpen = place.reason === 'no-reason' && mayBeElsewhere(planned.plan);
    return nothing(request, isOpen ? 'not-reached' : 'not-asked', isOpen ? undefined : place.reason);
  }
  const link = broker.links.get(region);
  if (link === undefined) throw new RequestError('not-found');

  const via = await viaOf(request, planned, broker, deadline);
  if (typeof via === 'object') return nothing(request, via.outcome, via.reason);
  const read = { record, resource: request.resource, ...(via === undefined ? {} : { via }) };
  const body = { ...commonClaims(planned, viewer), read };
  const query = signQuery(broker.sender, link.neighbour.entity, body, broker.now());
  const part = { region, asked: place.reasons, notOffered: [], link, query };
  const asked = await askAll(planned, [part], request, broker, deadline);
  const [answer] = asked.answers;
  const source = answer?.sources[0];
  const wanted = `${recordBase(link.neighbour.entity, region, record)}/${request.resource}`;
  const entry = [...(source?.matches ?? []), ...(source?.includes ?? [])].find(
    (one) => one.fullUrl === wanted,
  );
  const found =
    source === undefined || entry === undefined ? [] : [{ source, entry, mode: 'match' as const }];
  const [shown] = (await asked.release({ entries: found, next: [] })).entries;
  if (shown === undefined) {
    return nothing(request, absence(source?.outcome ?? answer?.outcome), source?.reason ?? answer?.reason);
  }
  const shape = { elements: undefined, countOnly: false };
  const { resource } = mergedEntry(shown.source, shown.entry, shown.mode, shape, broker);
  return { status: 200, resource: resource ?? { resourceType: 'Basic' } };
}

/** Which kind of nothing it is when the way to a resource was answered and the resource is not there. */
function absence(outcome: Outcome | undefined): Outcome {
  if (outcome === 'partial') return 'withheld';
  if (outcome === 'answered') return 'not-offered';
  return outcome ?? 'none';
}

/** No resource, and which kind of nothing it is. */
function nothing(request: ReadRequest, outcome: Outcome, reason: Reason | undefined): FhirAnswer {
  return {
    status: STATUS[outcome] ?? 404,
    resource: operationOutcome([
      {
        severity: 'error',
        code: outcome === 'withheld' ? 'suppressed' : outcome === 'not-reached' ? 'incomplete' : 'not-found',
        details: {
          coding: [
            { system: SYSTEM.region, code: request.region },
            { system: SYSTEM.record, code: request.record },
            { system: SYSTEM.outcome, code: outcome },
            ...(reason === undefined ? [] : [{ system: SYSTEM.reason, code: reason }]),
          ],
          text: `${OUTCOMES[outcome]}.`,
        },
      },
    ]),
  };
}

/**
 * How the patient leads to a resource that is about no patient; or what kept us from finding out.
 *
 * @throws RequestError `via-missing` when all was looked at and nothing leads there
 */
async function viaOf(
  request: ReadRequest,
  planned: PlannedQuestion,
  broker: Requesting,
  deadline: Deadline,
): Promise<string | undefined | { outcome: Outcome; reason: Reason | undefined }> {
  const [type = ''] = request.resource.split('/');
  if (request.via !== undefined || isAboutAPatient({ resourceType: type })) return request.via;
  const searches = (LIKELY_VIA[type] ?? []).map((likely) => checkSearch(likely, []));
  if (searches.length === 0) throw new RequestError('via-missing');
  const { region, record } = request;
  const entity = broker.links.get(region)?.neighbour.entity ?? '';
  const bases = [recordBase(entity, region, record)];
  let states: SourceState[] = searches.map((search) => ({
    region,
    record,
    search: search.type,
    cursor: undefined,
    skip: 0,
  }));
  for (let page = 0; page < MOST_VIA_PAGES && states.length > 0; page += 1) {
    const queries = signSearches(planned, searches, states, request.viewer, broker);
    const { answers, release } = await askAll(planned, queries, request, broker, deadline);
    await release(NOTHING_SHOWN);
    const [answer] = answers;
    const entries = answer?.sources.flatMap((source) => source.matches) ?? [];
    const referring = entries.find(
      ({ resource }) => resource && referencesIn(resource, bases).has(request.resource),
    );
    if (referring?.resource !== undefined) return nameOf(referring.resource);
    if (answer !== undefined && !LOOKED.has(answer.outcome))
      return { outcome: answer.outcome, reason: answer.reason };
    states = (answer?.sources ?? [])
      .filter((source) => source.cursor !== undefined)
      .map((source) => ({ region, record, search: source.search, cursor: source.cursor, skip: 0 }));
  }
  throw new RequestError('via-missing');
}
