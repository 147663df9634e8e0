import type { Express, Request, RequestHandler, Response } from 'express';
import type { TLSSocket } from 'node:tls';

import { patientOf, type AuditEvent } from '../audit/balp/audit-event.ts';
import { notLookedAt, type NotLookedAt } from '../audit/questions/not-looked-at.ts';
import { RequestError } from '../errors.ts';
import { SYSTEM } from '../fhir/codes.ts';
import { operationOutcome, type Issue } from '../fhir/operation-outcome.ts';
import type { Bundle } from '../fhir/resource.ts';
import { only, sendFhir } from '../http/app.ts';
import { parseAuditQuestion, type AuditQuestion } from './audit-question.ts';
import { authenticateAuditor, type AuthenticatedAuditor } from './authenticate-auditor.ts';
import { ViewerRefusal } from './authenticate-viewer.ts';
import { findAuditEvent, findAuditEvents, type Place } from './find-audit-events.ts';
import { keepingRefusals } from './keep-refusal.ts';
import type { Requesting } from './requesting.ts';
import { beginRequest, parametersOf, selfOf } from './viewer-request.ts';

const READ = ['GET', 'HEAD'];
const PAGE_LIFE_MS = 10 * 60_000;

/** A page link as it is sealed: the question's parameters, and where the page before ended. */
interface SealedPage {
  readonly q: string;
  readonly at: Place;
  /** When it was first asked: the end of a search that names none stays where it was. */
  readonly now: number;
}

/**
 * The audit over FHIR R4, as AuditEvents (IHE BALP), for auditors. What an auditor sees is on the disk as an entry of
 * the log before it is sent.
 */
export function auditEventRoutes(
  app: Express,
  broker: Requesting,
  binding: 'certificate' | 'single-use',
  form: readonly RequestHandler[],
): void {
  const search = (request: Request, response: Response): Promise<void> =>
    answerAuditSearch(request, response, broker, binding);
  app
    .route('/fhir/AuditEvent')
    .get(search)
    .all(only(...READ));
  app
    .route('/fhir/AuditEvent/_search')
    .post([...form], search)
    .all(only('POST'));
  app
    .route('/fhir/AuditEvent/:id')
    .get((request, response) => answerAuditRead(request, response, request.params.id, broker, binding))
    .all(only(...READ));
}

async function answerAuditSearch(
  request: Request,
  response: Response,
  broker: Requesting,
  binding: 'certificate' | 'single-use',
): Promise<void> {
  const { exchange, auditor } = await beginAudit(request, response, broker, binding);
  const parameters = parametersOf(request);
  const page = openPage(parameters, auditor, broker);
  const asked = page === undefined ? parameters : new URLSearchParams(page.q);
  const now = page?.now ?? broker.now();
  const question = parseAuditQuestion(asked, broker.publicBase(), now);
  await checkPatient(auditor, question, exchange, broker);

  const { auditReading: reading, patientDigest } = broker;
  const { events, next } = await findAuditEvents(question, page?.at, reading, patientDigest);
  const missing = await notLookedAt(reading.archive, question);
  await keep(auditor, `AuditEvent?${asked.toString()}`, question, events, exchange, broker);
  const sealed =
    next && broker.pages.seal(...sealing({ q: asked.toString(), at: next, now }, auditor, broker));
  const link = [
    { relation: 'self', url: selfOf(request, parameters, broker.publicBase()) },
    ...(sealed === undefined
      ? []
      : [{ relation: 'next', url: `${broker.publicBase()}/fhir/AuditEvent?_page=${sealed}` }]),
  ];
  sendFhir(response, 200, searchset(events, missing, link, broker.publicBase()));
}

async function answerAuditRead(
  request: Request,
  response: Response,
  id: string,
  broker: Requesting,
  binding: 'certificate' | 'single-use',
): Promise<void> {
  const { exchange, auditor } = await beginAudit(request, response, broker, binding);
  const { nhsNumber } = auditor;
  const event = await findAuditEvent(id, nhsNumber, broker.auditReading, broker.patientDigest);
  const question = { filters: ['_id'], nhsNumber, user: undefined };
  // An id that came from outside and is none of ours is not repeated.
  const asked = `AuditEvent/${event?.id ?? 'unknown'}`;
  await keep(auditor, asked, question, event === undefined ? [] : [event], exchange, broker);
  if (event === undefined) throw new RequestError('not-found');
  sendFhir(response, 200, event);
}

async function beginAudit(
  request: Request,
  response: Response,
  broker: Requesting,
  binding: 'certificate' | 'single-use',
): Promise<{ exchange: string; auditor: AuthenticatedAuditor }> {
  const { exchange, span } = beginRequest(request, response, broker);
  const { door, now, audit } = broker;
  const socket = request.socket as TLSSocket;
  const auditor = await keepingRefusals(audit, exchange, () =>
    authenticateAuditor(request.get('Authorization'), socket, binding, door, now()),
  );
  span.set({ viewer: auditor.viewer.id });
  return { exchange, auditor };
}

/** The token is for one patient: a question about another is refused, and one about nobody is not guessed. */
async function checkPatient(
  { claims, nhsNumber }: AuthenticatedAuditor,
  question: AuditQuestion,
  exchange: string,
  { audit }: Requesting,
): Promise<void> {
  if (nhsNumber === undefined || nhsNumber === question.nhsNumber) return;
  if (question.nhsNumber === undefined) throw new RequestError('patient-missing');
  const refusal = new ViewerRefusal('patient-mismatch', claims);
  await keepingRefusals(audit, exchange, () => Promise.reject(refusal));
}

/** One entry for each patient whom the events are about, or for the one who was asked about and of whom there are none. */
function keep(
  { viewer, claims, role }: AuthenticatedAuditor,
  question: string,
  { filters, nhsNumber, user: searchedUser }: Pick<AuditQuestion, 'filters' | 'nhsNumber' | 'user'>,
  events: readonly AuditEvent[],
  exchange: string,
  { audit }: Requesting,
): Promise<void> {
  const about = Map.groupBy(events, (event) => patientOf(event));
  const shown = [...about].map(([patient, { length: count }]) => ({ nhsNumber: patient, count }));
  const auditor = {
    ...{ viewer: viewer.id, role, question, filters, searchedUser },
    user: claims.requesting_user,
    organisation: claims.requesting_organization,
    purpose: claims.reason_for_request,
  };
  return audit.auditShown(exchange, auditor, shown.length === 0 ? [{ nhsNumber, count: 0 }] : shown);
}

/** @throws RequestError `page-unreadable` for a link that is expired, another's, or not ours */
function openPage(
  parameters: URLSearchParams,
  auditor: AuthenticatedAuditor,
  { pages, now }: Requesting,
): SealedPage | undefined {
  const link = parameters.get('_page');
  if (link === null) return undefined;
  if (parameters.size > 1) throw new RequestError('bad-parameter', '_page with others');
  const page = pages.open(link, bindingOf(auditor), now()) as SealedPage | undefined;
  if (page === undefined) throw new RequestError('page-unreadable');
  return page;
}

function sealing(
  page: SealedPage,
  auditor: AuthenticatedAuditor,
  { now }: Requesting,
): [SealedPage, string[], number] {
  return [page, bindingOf(auditor), now() + PAGE_LIFE_MS];
}

/** Good for the same viewer, person and patient only. */
function bindingOf({ viewer, claims, nhsNumber }: AuthenticatedAuditor): string[] {
  return ['audit', viewer.id, claims.requesting_user, nhsNumber ?? '*'];
}

/** No `total`: how many there are is not counted. What was not searched is told on every page. */
function searchset(
  events: readonly AuditEvent[],
  missing: readonly NotLookedAt[],
  link: NonNullable<Bundle['link']>,
  base: string,
): Bundle {
  const matches = events.map((resource) => ({
    fullUrl: `${base}/fhir/AuditEvent/${resource.id}`,
    resource,
    search: { mode: 'match' as const },
  }));
  const resource = missing.length === 0 ? undefined : operationOutcome(missing.map(archivedIssue));
  const entry = [
    ...(resource === undefined ? [] : [{ resource, search: { mode: 'outcome' as const } }]),
    ...matches,
  ];
  return { resourceType: 'Bundle', type: 'searchset', link, ...(entry.length === 0 ? {} : { entry }) };
}

function archivedIssue({ log, oldest, newest }: NotLookedAt): Issue {
  const [first, last] = [oldest, newest].map((at) => new Date(at).toISOString());
  return {
    ...{ severity: 'warning', code: 'incomplete' },
    details: {
      coding: [{ system: SYSTEM.error, code: 'archived' }],
      text: `What was written from ${first} to ${last} is archived, and was not searched.`,
    },
    diagnostics: log,
  };
}
