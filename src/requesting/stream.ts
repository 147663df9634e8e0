import type { Response } from 'express';

import type { Deadline } from '../deadline.ts';
import { SYSTEM } from '../fhir/codes.ts';
import { errorOutcome, operationOutcome } from '../fhir/operation-outcome.ts';
import { HouseError, WayleaveError } from '../errors.ts';
import { countOf, sortOf } from '../fhir/search-parameters.ts';
import { issuesOf, nobodyAnswered, type SearchRequest } from './answer-search.ts';
import { mergedBundle } from './merge.ts';
import { nextLink } from './page-link.ts';
import { selectPage } from './paging.ts';
import type { RegionAnswer } from './region-answer.ts';
import { requestRecord } from './request-record.ts';
import type { Requesting } from './requesting.ts';

/**
 * The same question answered as server-sent events (HTML Living Standard, 9.2): a `region` event with that
 * region's searchset the moment it answers, then `end` with the whole OperationOutcome. A region that gave
 * nothing has its event as well: its searchset holds what is known of why.
 */
export async function streamSearch(
  request: SearchRequest,
  response: Response,
  broker: Requesting,
  deadline: Deadline,
): Promise<void> {
  response.status(200).set({
    'Content-Type': 'text/event-stream',
    'X-Accel-Buffering': 'no',
  });
  response.flushHeaders();
  const send = (event: string, data: object): void =>
    void response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  try {
    const gathered = await requestRecord(
      { ...request, patient: request.question.patient, searches: request.question.searches },
      broker,
      deadline,
      (answer) => send('region', regionBundle(answer, request, broker)),
    );
    const issues = issuesOf(gathered, gathered.answers, true, broker);
    const error = nobodyAnswered(gathered.answers)
      ? errorOutcome(new HouseError('nobody-answered')).issue
      : [];
    send('end', operationOutcome([...error, ...issues]));
  } catch (error) {
    const known =
      error instanceof WayleaveError ? error : new HouseError('internal', undefined, { cause: error });
    send('end', errorOutcome(known));
  }
  response.end();
}

/** One region's part, a searchset of its own with its own page link and its own warnings. */
function regionBundle(answer: RegionAnswer, request: SearchRequest, broker: Requesting): object {
  const { question } = request;
  const [search] = question.searches;
  const one = question.searches.length === 1 && search !== undefined;
  const selected = selectPage(
    answer.sources,
    [],
    search === undefined ? undefined : countOf(search),
    one ? sortOf(search) : undefined,
  );
  const links = { self: request.self, next: nextLink(selected.next, request, undefined, broker) };
  const onlyThis = { plan: { nhsNumber: '', rules: [], regions: [], unknownOrganisations: [] } };
  const issues = issuesOf(onlyThis, [answer], false, broker);
  const bundle = mergedBundle(selected, issues, links, undefined, question.shape, broker);
  return { ...bundle, meta: { tag: regionTags(answer) } };
}

function regionTags(answer: RegionAnswer) {
  return [
    { system: SYSTEM.region, code: answer.region },
    { system: SYSTEM.outcome, code: answer.outcome },
    ...(answer.reason === undefined ? [] : [{ system: SYSTEM.reason, code: answer.reason }]),
  ];
}
