import type { Asking, Message } from '../audit/trail.ts';
import type { Deadline } from '../deadline.ts';
import type { Search } from '../fhir/search-parameters.ts';
import { askRegion } from './ask-region.ts';
import type { AuthenticatedViewer } from './authenticate-viewer.ts';
import { releaseWith, type Release } from './release-page.ts';
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

/** What the regions answered, and the one way to show anything of it. */
export interface Asked {
  /** In the plan's order, one for each region that the plan asks. */
  readonly answers: readonly RegionAnswer[];
  /** Keeps what was answered and what will be shown: called once, whatever is shown, nothing included. */
  readonly release: Release;
}

export type Gathered = PlannedQuestion & Asked;

/** Called with each answer as it comes, for streaming; it releases what it shows by itself. */
export type OnAnswer = (answer: RegionAnswer, release: Release) => Promise<void>;

/**
 * JOURNEY 1. A viewer's question becomes one signed query for each region that there is a reason to ask; each
 * region answers or fails by itself; and what each said is on the disk before the viewer sees it.
 *
 * @throws HouseError `audit-unavailable`, `store-unavailable`: then nothing was sent
 */
export async function requestRecord(
  request: RecordRequest,
  broker: Requesting,
  deadline: Deadline,
  onAnswer?: OnAnswer,
): Promise<Gathered> {
  const planned = await planQuestion(request.viewer, request.patient, broker, deadline);
  const { searches, states, viewer, referenced } = request;
  const queries = signSearches(planned, searches, states, viewer, broker, referenced);
  return { ...planned, ...(await askAll(planned, queries, request, broker, deadline, onAnswer)) };
}

/** The part of the journey that a read shares: queries on the disk, then sent side by side. */
export async function askAll(
  planned: PlannedQuestion,
  queries: readonly RegionQuery[],
  request: Pick<RecordRequest, 'viewer' | 'exchange' | 'traceparent'>,
  broker: Requesting,
  deadline: Deadline,
  onAnswer?: OnAnswer,
): Promise<Asked> {
  const asking = askingOf(planned, request);
  await broker.audit.queriesSent(asking, authorityOf(planned, request.viewer), queries.flatMap(sentQuery));

  const headers = { 'X-Request-Id': request.exchange, traceparent: request.traceparent };
  const answers = await Promise.all(
    queries.map(async (query) => {
      const answer = await askRegion(query, headers, broker, deadline);
      awaitProof(answer, request.exchange, broker);
      await onAnswer?.(answer, releaseWith(broker.audit, asking, [answer], false));
      return answer;
    }),
  );
  const untold = onAnswer === undefined ? answers : [];
  return { answers, release: releaseWith(broker.audit, asking, untold, true) };
}

/** That the responder's own log holds what it answered is proved later. */
function awaitProof({ region, jti, believed }: RegionAnswer, exchange: string, { proofs }: Requesting): void {
  if (believed === undefined || jti === undefined) return;
  proofs.await(region, { exchange, jti, responseDigest: believed.response.digest });
}

/** On whose authority: kept with the plan, so that who saw what, and why, can be rebuilt. */
function authorityOf({ plan }: PlannedQuestion, { viewer, token, origin }: AuthenticatedViewer) {
  const decided = { regions: plan.regions, rules: plan.rules, origin };
  return { viewer: viewer.id, viewerToken: token, decided };
}

function sentQuery({ region, query }: RegionQuery): (Message & { region: string; jti: string })[] {
  return query === undefined ? [] : [{ region, jti: query.jti, token: query.token, digest: query.digest }];
}

function askingOf(
  { plan, relationship }: PlannedQuestion,
  { viewer, exchange }: Pick<RecordRequest, 'viewer' | 'exchange'>,
): Asking {
  const { claims, role } = viewer;
  return {
    ...{ exchange, nhsNumber: plan.nhsNumber, also: plan.also, role, relationship },
    organisation: claims.requesting_organization,
    user: claims.requesting_user,
    purpose: claims.reason_for_request,
    breakGlass: claims.break_glass,
    viewer: viewer.viewer.id,
  };
}
