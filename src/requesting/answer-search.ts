import type { Deadline } from '../deadline.ts';
import { HouseError } from '../errors.ts';
import { errorOutcome, operationOutcome, type Issue } from '../fhir/operation-outcome.ts';
import type { Resource } from '../fhir/resource.ts';
import { countOf, sortOf } from '../fhir/search-parameters.ts';
import type { AskedBy } from './asking.ts';
import { indexPatient, mergedBundle } from './merge.ts';
import { checkNamedPatient, checkRecordIsKnown, withPatientProbe } from './named-patient.ts';
import { nextLink, type OpenPage } from './page-link.ts';
import { selectPage, toAskNext, type SourceState } from './paging.ts';
import { NOTHING_SHOWN, type ReleasedPage } from './release-page.ts';
import type { SearchQuestion } from './question.ts';
import type { RegionAnswer, SourceAnswer } from './region-answer.ts';
import { requestRecord, type Gathered, type RecordRequest } from './request-record.ts';
import type { Requesting } from './requesting.ts';
import type { Asked } from './round.ts';
import { isIncomplete, rollCall, warnings } from './roll-call.ts';

export interface SearchRequest extends AskedBy {
  readonly question: SearchQuestion;
  /** Present when the viewer follows a page link. */
  readonly page?: OpenPage;
  /** The address that was asked, for the self link. */
  readonly self: string;
}

export interface FhirAnswer {
  readonly status: number;
  readonly resource: Resource;
}

/** Asks the federation and puts one page of the answer together. */
export async function answerSearch(
  request: SearchRequest,
  broker: Requesting,
  deadline: Deadline,
): Promise<FhirAnswer> {
  const { question, page } = request;
  if (question.patient.kind === 'regional') checkRecordIsKnown(question.patient, broker);
  const states = page === undefined ? undefined : toAskNext(page.states, question.searches);
  const carried = page?.states.filter((state) => !states?.includes(state)) ?? [];
  // The first page has found out who a record's own Patient is; its links are good for that patient only.
  const searches = page === undefined ? withPatientProbe(question) : question.searches;
  const gathered = await requestRecord(
    { ...request, ...asked(question), searches, ...(states === undefined ? {} : { states }) },
    broker,
    deadline,
  );
  const lost = lostSince(gathered, states);
  const told = page === undefined ? await namedPatient(gathered, question, broker) : gathered.answers;
  const answers = [...told, ...lost];
  const issues = issuesOf(gathered, answers, page === undefined, broker);
  // A region that is lost between pages does not take the others' remaining pages with it.
  if (nobodyAnswered(answers) && carried.length === 0) {
    await gathered.release(NOTHING_SHOWN);
    return unanswered(issues);
  }

  const sources = answers.flatMap((answer) => answer.sources).sort(bySearchOrder(question));
  const [search] = question.searches;
  const one = question.searches.length === 1 && search !== undefined;
  const selected = selectPage(
    sources,
    states ?? [],
    search === undefined ? undefined : countOf(search),
    one ? sortOf(search) : undefined,
  );
  const total =
    page === undefined
      ? totalOf(gathered, answers, sources)
      : isIncomplete(gathered.plan, answers)
        ? undefined
        : page.total;
  if (question.shape.countOnly) {
    return countOnly(await gathered.release(NOTHING_SHOWN), total, issues, request, broker);
  }
  const next = [...selected.next, ...carried];
  const released = await gathered.release(selected);
  return {
    status: 200,
    resource: toBundle(gathered, released, issues, next, total, request, broker),
  };
}

/** What a record says of a patient who is not the one named is kept, and nothing of it is shown. */
export async function namedPatient(
  gathered: Asked,
  question: SearchQuestion,
  broker: Requesting,
): Promise<RegionAnswer[]> {
  try {
    return checkNamedPatient(gathered.answers, question, broker);
  } catch (error) {
    await gathered.release(NOTHING_SHOWN);
    throw error;
  }
}

/** Whom a question is about, and what is wanted with what is found. */
export function asked({
  patient,
  referenced,
}: SearchQuestion): Pick<RecordRequest, 'patient' | 'referenced'> {
  return { patient, ...(referenced === undefined ? {} : { referenced }) };
}

/** The issues of one page: on the first the whole roll-call, on later ones what was lost since. */
export function issuesOf(
  gathered: Pick<Gathered, 'plan'>,
  answers: readonly RegionAnswer[],
  firstPage: boolean,
  broker: Requesting,
): Issue[] {
  const lost = warnings(answers, broker.directory);
  return firstPage ? [...lost, ...rollCall(gathered.plan, answers, broker.directory)] : lost;
}

/** Regions were planned, and none gave a response that can be believed. */
export function nobodyAnswered(answers: readonly RegionAnswer[]): boolean {
  const asked = answers.filter((answer) => answer.jti !== undefined);
  return asked.length > 0 && asked.every((answer) => !answer.responded);
}

function unanswered(issues: readonly Issue[]): FhirAnswer {
  const error = new HouseError('nobody-answered');
  return {
    status: error.publicForm.status,
    resource: operationOutcome([...errorOutcome(error).issue, ...issues]),
  };
}

function toBundle(
  gathered: Gathered,
  selected: ReleasedPage,
  issues: readonly Issue[],
  next: readonly SourceState[],
  total: number | undefined,
  request: SearchRequest,
  broker: Requesting,
): Resource {
  const { question, self } = request;
  const links = { self, next: nextLink(next, request, total, broker) };
  if (!question.index) return mergedBundle(selected, issues, links, total, question.shape, broker);
  return indexBundle(gathered, selected, issues, links, request, broker);
}

/** The index Patient is the one match; each region's own Patient is an include. */
function indexBundle(
  { plan }: Gathered,
  selected: ReleasedPage,
  issues: readonly Issue[],
  links: { self: string; next: string | undefined },
  request: SearchRequest,
  broker: Requesting,
): Resource {
  const included = {
    ...selected,
    entries: selected.entries.map((entry) => ({ ...entry, mode: 'include' as const })),
  };
  const bundle = mergedBundle(included, issues, links, 1, request.question.shape, broker);
  const regional = (bundle.entry ?? []).filter((entry) => entry.resource?.resourceType === 'Patient');
  const urls = regional.map((entry) => entry.fullUrl).filter((url) => url !== undefined);
  const index = indexPatient(plan.nhsNumber, plan.also, urls);
  const fullUrl = `${broker.publicBase()}/fhir/Patient/${plan.nhsNumber}`;
  return {
    ...bundle,
    entry: [{ fullUrl, resource: index, search: { mode: 'match' as const } }, ...(bundle.entry ?? [])],
  };
}

/** Regions that an earlier page promised to go on with, and that may not be asked any more. */
function lostSince({ plan }: Gathered, states: readonly SourceState[] | undefined): RegionAnswer[] {
  const regions = new Set((states ?? []).map((state) => state.region));
  return plan.regions.flatMap((region): RegionAnswer[] => {
    if (region.ask || !regions.has(region.region)) return [];
    const nothing = {
      asked: [],
      sources: [],
      settingsNotOffered: [],
      responded: false,
      jti: undefined,
      ms: 0,
    };
    return [{ ...nothing, region: region.region, outcome: 'not-reached', reason: region.reason }];
  });
}

/** The sum of what every source counts, or nothing when anything is missing or uncounted. */
function totalOf(
  { plan }: Gathered,
  answers: readonly RegionAnswer[],
  sources: readonly SourceAnswer[],
): number | undefined {
  if (isIncomplete(plan, answers)) return undefined;
  const counted = sources.filter((source) => source.outcome !== 'not-offered');
  if (counted.some((source) => source.total === undefined)) return undefined;
  return counted.reduce((sum, source) => sum + (source.total ?? 0), 0);
}

/** @throws HouseError `count-incomplete` */
function countOnly(
  page: ReleasedPage,
  total: number | undefined,
  issues: readonly Issue[],
  { self, question }: SearchRequest,
  broker: Requesting,
): FhirAnswer {
  if (total === undefined) throw new HouseError('count-incomplete');
  const links = { self, next: undefined };
  return { status: 200, resource: mergedBundle(page, issues, links, total, question.shape, broker) };
}

/** Regions in the plan's order (kept by the stable sort), and within each the question's order of searches. */
function bySearchOrder({ searches }: SearchQuestion): (left: SourceAnswer, right: SourceAnswer) => number {
  const place = new Map(searches.map((search, position) => [search.type, position]));
  return (left, right) =>
    left.region !== right.region || left.record !== right.record
      ? 0
      : (place.get(left.search) ?? 0) - (place.get(right.search) ?? 0);
}
