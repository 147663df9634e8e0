import type { Asking } from '../audit/trail.ts';
import type { Deadline } from '../deadline.ts';
import type { Search } from '../fhir/search-parameters.ts';
import type { AuditEvent } from '../store/contracts.ts';
import { askRegion } from './ask-region.ts';
import type { AuthenticatedViewer } from './authenticate-viewer.ts';
import type { SourceState } from './paging.ts';
import type { PlannedQuestion } from '../routing/plan-for.ts';
import { planQuestion } from './plan-question.ts';
import type { PatientRef } from './question.ts';
import type { RegionAnswer } from './region-answer.ts';
import { signSearches, type RegionQuery } from './region-query.ts';
import type { Requesting } from './requesting.ts';

/** What is asked of the federation, once for a whole answer or once for each page of it. */
export interface RecordRequest {
  readonly viewer: AuthenticatedViewer;
  readonly patient: PatientRef;
  readonly searches: readonly Search[];
  /** What the resources refer to directly, and is about no patient, is wanted with them. */
  readonly referenced?: true;
  /** Where an earlier page stopped; absent for a first page. */
  readonly states?: readonly SourceState[];
  /** Our id of this request: ties its audit rows together and travels as `X-Request-Id`. */
  readonly exchange: string;
  /** W3C trace context, handed on as it is. */
  readonly traceparent: string;
}

export interface Gathered extends PlannedQuestion {
  /** In the plan's order, one for each region that the plan asks. */
  readonly answers: readonly RegionAnswer[];
}

/**
 * JOURNEY 1. A viewer's question becomes one signed query for each region that there is a reason to ask; each
 * region answers or fails by itself; and what each said is on the disk before the viewer sees it.
 *
 * @param onAnswer called with each answer the moment it may be shown, for streaming
 * @throws HouseError `audit-unavailable`, `store-unavailable`: then nothing was sent, or nothing is released
 */
export async function requestRecord(
  request: RecordRequest,
  broker: Requesting,
  deadline: Deadline,
  onAnswer?: (answer: RegionAnswer, planned: PlannedQuestion) => void,
): Promise<Gathered> {
  const planned = await planQuestion(request.viewer, request.patient, broker, deadline);
  const { searches, states, viewer, referenced } = request;
  const queries = signSearches(planned, searches, states, viewer, broker, referenced);
  const answers = await askAll(planned, queries, request, broker, deadline, onAnswer);
  return { ...planned, answers };
}

/** The part of the journey that a read shares: queries on the disk, sent side by side, answers on the disk. */
export async function askAll(
  planned: PlannedQuestion,
  queries: readonly RegionQuery[],
  request: Pick<RecordRequest, 'viewer' | 'exchange' | 'traceparent'>,
  broker: Requesting,
  deadline: Deadline,
  onAnswer?: (answer: RegionAnswer, planned: PlannedQuestion) => void,
): Promise<RegionAnswer[]> {
  const asking = askingOf(planned, request, broker);
  await broker.audit.queriesSent(
    asking,
    authorityOf(planned, request.viewer, broker),
    queries.flatMap(sentQuery),
  );

  const headers = { 'X-Request-Id': request.exchange, traceparent: request.traceparent };
  const release = (answers: readonly RegionAnswer[]) => broker.audit.released(asking, answers.map(told));
  const answers = await Promise.all(
    queries.map(async (query) => {
      const answer = await askRegion(query, headers, broker, deadline);
      if (onAnswer !== undefined) {
        await release([answer]);
        onAnswer(answer, planned);
      }
      return answer;
    }),
  );
  if (onAnswer === undefined) await release(answers);
  return answers;
}

/** On whose authority: kept with the plan, so that who saw what, and why, can be rebuilt. */
function authorityOf(
  { plan, relationship }: PlannedQuestion,
  viewer: AuthenticatedViewer,
  broker: Requesting,
): object {
  const { break_glass: glass } = viewer.claims;
  return {
    regions: plan.regions,
    rules: plan.rules,
    relationship,
    viewer: viewer.viewer.id,
    origin: viewer.origin,
    ...(glass === undefined ? {} : { break_glass: glass }),
    ...(plan.also === undefined ? {} : { patient_also: broker.patientDigest(plan.also) }),
  };
}

function sentQuery({ region, query }: RegionQuery): { region: string; jti: string; digest: string }[] {
  return query === undefined ? [] : [{ region, jti: query.jti, digest: query.digest }];
}

function askingOf(
  { plan }: PlannedQuestion,
  { viewer, exchange }: Pick<RecordRequest, 'viewer' | 'exchange'>,
  broker: Requesting,
): Asking {
  return {
    exchange,
    patient: broker.patientDigest(plan.nhsNumber),
    organisation: viewer.claims.requesting_organization,
    user: viewer.claims.requesting_user,
    role: viewer.role,
    purpose: viewer.claims.reason_for_request,
  };
}

/** What the audit keeps of one region's answer: outcomes and digests, nothing clinical. */
function told(answer: RegionAnswer) {
  const event: AuditEvent = answer.responded
    ? 'response-believed'
    : answer.reason === 'not-believed'
      ? 'response-not-believed'
      : 'not-reached';
  return {
    event,
    region: answer.region,
    jti: answer.jti,
    outcome: answer.outcome,
    reason: answer.reason,
    count: answer.sources.reduce((sum, source) => sum + source.matches.length, 0),
    detail: {
      evidence: answer.evidence,
      ms: answer.ms,
      sources: answer.sources.map(({ record, search, outcome, reason, matches }) => ({
        record,
        search,
        outcome,
        reason,
        count: matches.length,
      })),
    },
  };
}
