import type { Response } from 'express';

import type { Deadline } from '../deadline.ts';
import { SYSTEM } from '../fhir/codes.ts';
import { errorOutcome, operationOutcome } from '../fhir/operation-outcome.ts';
import { HouseError, isWayleaveError } from '../errors.ts';
import { countOf, sortOf } from '../fhir/search-parameters.ts';
import { asked, issuesOf, namedPatient, nobodyAnswered, type SearchRequest } from './answer-search.ts';
import { mergedBundle } from './merge.ts';
import { checkNamedPatient, checkRecordIsKnown, withPatientProbe } from './named-patient.ts';
import { nextLink } from './page-link.ts';
import { selectPage } from './paging.ts';
import type { RegionAnswer } from './region-answer.ts';
import { NOTHING_SHOWN, type Release } from './release-page.ts';
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
  const send = (event: string, data: object): void => {
    // When the end was told early, for a fault of ours, another region may still be on its way.
    if (!response.writableEnded) response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  };
  try {
    const { question } = request;
    if (question.patient.kind === 'regional') checkRecordIsKnown(question.patient, broker);
    const gathered = await requestRecord(
      { ...request, ...asked(question), searches: withPatientProbe(question) },
      broker,
      deadline,
      async (answer, release) => {
        for (const told of await namedPatient({ answers: [answer], release }, question, broker)) {
          send('region', await regionBundle(told, release, request, broker));
        }
      },
    );
    await gathered.release(NOTHING_SHOWN);
    const answers = checkNamedPatient(gathered.answers, question, broker);
    const issues = issuesOf(gathered, answers, true, broker);
    const error = nobodyAnswered(answers) ? errorOutcome(new HouseError('nobody-answered')).issue : [];
    send('end', operationOutcome([...error, ...issues]));
  } catch (error) {
    const known = isWayleaveError(error) ? error : new HouseError('internal', undefined, { cause: error });
    send('end', errorOutcome(known));
  }
  response.end();
}

/** One region's part, a searchset of its own with its own page link and its own warnings. */
async function regionBundle(
  answer: RegionAnswer,
  release: Release,
  request: SearchRequest,
  broker: Requesting,
): Promise<object> {
  const { question } = request;
  const [search] = question.searches;
  const one = question.searches.length === 1 && search !== undefined;
  const page = selectPage(
    answer.sources,
    [],
    search === undefined ? undefined : countOf(search),
    one ? sortOf(search) : undefined,
  );
  const selected = await release(page);
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
