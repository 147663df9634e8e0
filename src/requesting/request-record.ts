import type { Deadline } from '../deadline.ts';
import type { Search } from '../fhir/search-parameters.ts';
import type { AskedBy } from './asking.ts';
import { countTold } from './count-told.ts';
import { locate } from './locate.ts';
import { Round, type Asked, type OnAnswer } from './round.ts';
import type { SourceState } from './paging.ts';
import type { PlannedQuestion } from '../routing/plan-for.ts';
import { planQuestion } from './plan-question.ts';
import type { PatientRef } from './question.ts';
import { signSearches, type RegionQuery } from './region-query.ts';
import type { Requesting } from './requesting.ts';

/** What is asked of the federation, once for a whole answer or once for each page of it. */
export interface RecordRequest extends AskedBy {
  readonly patient: PatientRef;
  readonly searches: readonly Search[];
  /** What the resources refer to directly, and is about no patient, is wanted with them. */
  readonly referenced?: true;
  /** Where an earlier page stopped; absent for a first page. */
  readonly states?: readonly SourceState[];
}

export type Gathered = PlannedQuestion & Asked;

/**
 * JOURNEY 1. A viewer's question becomes one signed query for each region that there is a reason to ask; each
 * region answers or fails by itself; those that the patient's home region names join while the others are under way;
 * and what each said is on the disk before the viewer sees it.
 *
 * @throws HouseError `audit-unavailable`, `store-unavailable`: then nothing was sent
 */
export async function requestRecord(
  request: RecordRequest,
  broker: Requesting,
  deadline: Deadline,
  onAnswer?: OnAnswer,
): Promise<Gathered> {
  const { viewer, patient, searches, states, referenced } = request;
  const sign = (one: PlannedQuestion): RegionQuery[] =>
    signSearches(one, searches, states, viewer, broker, referenced);
  const planned = await planQuestion({ ...request, ...continuedIn(states) }, broker, deadline);
  const round = new Round(planned, request, broker, deadline, onAnswer);
  const queries = sign(planned);
  await round.begin(queries);

  // On a later page, and for one record alone, it is known who is asked.
  const locates = states === undefined && patient.kind !== 'regional';
  const [whole] = await Promise.all([
    locates ? locate(planned, request, broker, deadline).then((one) => joinLocated(one)) : planned,
    round.ask(queries),
  ]);
  const asked = round.asked(whole);
  if (states === undefined) countTold(whole, asked.answers, broker.onToldAnswer);
  return { ...whole, ...asked };

  async function joinLocated(whole: PlannedQuestion): Promise<PlannedQuestion> {
    if (whole === planned) return planned;
    const more = sign(whole).filter(({ region }) => !queries.some((one) => one.region === region));
    await round.extend(whole, more);
    await round.ask(more);
    return whole;
  }
}

/** The part of the journey that a read shares: queries on the disk, then sent side by side. */
export async function askAll(
  planned: PlannedQuestion,
  queries: readonly RegionQuery[],
  request: AskedBy,
  broker: Requesting,
  deadline: Deadline,
): Promise<Asked> {
  const round = new Round(planned, request, broker, deadline, undefined);
  await round.begin(queries);
  await round.ask(queries);
  return round.asked(planned);
}

function continuedIn(states: readonly SourceState[] | undefined): { continued?: readonly string[] } {
  return states === undefined ? {} : { continued: [...new Set(states.map(({ region }) => region))] };
}
