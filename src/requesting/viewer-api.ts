import express, { type Express, type Request, type Response } from 'express';
import { randomBytes, randomUUID } from 'node:crypto';
import type { TLSSocket } from 'node:tls';

import { startDeadline, type Deadline } from '../deadline.ts';
import { RequestError } from '../errors.ts';
import type { Bundle, Resource } from '../fhir/resource.ts';
import { fromNhsNumberToken } from '../fhir/nhs-number.ts';
import { isAboutAPatient } from '../fhir/subject-check.ts';
import { closeApp, createApp, methodNotAllowed, sendFhir } from '../http/app.ts';
import { answerRead } from './answer-read.ts';
import { answerSearch } from './answer-search.ts';
import { authenticateViewer, ViewerRefusal, type AuthenticatedViewer } from './authenticate-viewer.ts';
import { capabilityStatement, codeSystem } from './capability.ts';
import { openPage } from './page-link.ts';
import { parseEverything, parseTypeSearch, patientIndex, type SearchQuestion } from './question.ts';
import type { Requesting } from './requesting.ts';
import { streamSearch } from './stream.ts';

/** Where the OperationOutcome of an answer is that is no Bundle. */
const ROLL_CALL_EXTENSION = 'https://wayleave.example/StructureDefinition/roll-call';
const MOST_FORM_BYTES = 64 * 1024;
const SHORTEST_WAIT_MS = 250;
const LOCAL_ID = /^[A-Za-z0-9.-]{1,64}$/;
const TYPE = /^[A-Z][A-Za-z]{1,40}$/;
const LOCAL_NAME = /^[A-Z][A-Za-z]{1,40}\/[A-Za-z0-9.-]{1,64}$/;
const TRACEPARENT = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** FHIR R4 for viewers: one server to look at. `binding` is what this listener asks of a viewer. */
export function viewerApi(broker: Requesting, binding: 'certificate' | 'single-use'): Express {
  const app = createApp();
  const api = new ViewerApi(broker, binding);
  const form = express.urlencoded({ extended: false, limit: MOST_FORM_BYTES, parameterLimit: 100 });

  app.use((request, _response, next) => {
    checkAccept(request);
    next();
  });
  app.get('/fhir/metadata', (_request, response) =>
    sendFhir(response, 200, capabilityStatement(broker.publicBase())),
  );
  app.get('/fhir/CodeSystem/:id', (request, response) =>
    sendFhir(response, 200, codeSystem(request.params.id)),
  );
  app.get('/fhir', (request, response) => api.page(request, response));
  app.get('/fhir/Patient/:id', (request, response) => api.patient(request, response, request.params.id));
  app.get('/fhir/Patient/:id/\\$everything', (request, response) =>
    api.everything(request, response, request.params.id),
  );
  app.get('/fhir/:type', (request, response) => api.search(request, response, request.params.type));
  app.post('/fhir/:type/_search', form, (request, response) =>
    api.search(request, response, String(request.params['type'])),
  );
  app.get('/regions/:region/:record/fhir/:type/:id', (request, response) =>
    api.read(request, response, request.params),
  );
  app.all(['/fhir', '/fhir/*rest', '/regions/*rest'], (request, response) => {
    if (request.method === 'GET' || request.method === 'HEAD') throw new RequestError('not-found');
    methodNotAllowed(request, response);
  });
  closeApp(app, broker.log);
  return app;
}

class ViewerApi {
  readonly #broker: Requesting;
  readonly #binding: 'certificate' | 'single-use';

  constructor(broker: Requesting, binding: 'certificate' | 'single-use') {
    this.#broker = broker;
    this.#binding = binding;
  }

  search(request: Request, response: Response, type: string): Promise<void> {
    return this.#answer(request, response, () =>
      parseTypeSearch(type, parametersOf(request), this.#broker.publicBase()),
    );
  }

  everything(request: Request, response: Response, id: string): Promise<void> {
    return this.#answer(request, response, () => parseEverything(id, parametersOf(request)));
  }

  /** `Patient/{nhs-number}`: the index Patient itself, of the Bundle that a search would give. */
  async patient(request: Request, response: Response, id: string): Promise<void> {
    const trace = traceOf(request, response);
    const viewer = await this.#authenticate(request, trace.exchange);
    const question = patientIndex(id);
    await this.#checkPatient(viewer, question, trace.exchange);
    using deadline = this.#deadline(request, response, this.#broker.budgets.bundle_ms);
    const asked = { viewer, question, self: selfOf(request, this.#broker), ...trace };
    const { status, resource } = await answerSearch(asked, this.#broker, deadline);
    sendFhir(response, status, status === 200 ? indexAlone(resource as Bundle) : resource);
  }

  async page(request: Request, response: Response): Promise<void> {
    const trace = traceOf(request, response);
    const viewer = await this.#authenticate(request, trace.exchange);
    const sealed = parametersOf(request).get('_page');
    if (sealed === null) throw new RequestError('bad-request', '_page');
    const page = openPage(sealed, viewer, this.#broker);
    using deadline = this.#deadline(request, response, this.#broker.budgets.bundle_ms);
    const { question } = page;
    const asked = { viewer, question, page, self: selfOf(request, this.#broker), ...trace };
    const answer = await answerSearch(asked, this.#broker, deadline);
    sendFhir(response, answer.status, answer.resource);
  }

  async read(
    request: Request,
    response: Response,
    { region, record, type, id }: { region: string; record: string; type: string; id: string },
  ): Promise<void> {
    const trace = traceOf(request, response);
    const viewer = await this.#authenticate(request, trace.exchange);
    if (!TYPE.test(type) || !LOCAL_ID.test(id)) throw new RequestError('not-found');
    const via = parametersOf(request).get('via') ?? undefined;
    if (via !== undefined && !isOfAPatient(via)) throw new RequestError('bad-parameter', 'via');
    using deadline = this.#deadline(request, response, this.#broker.budgets.document_ms);
    const asked = { viewer, region, record, resource: `${type}/${id}`, via, ...trace };
    const answer = await answerRead(asked, this.#broker, deadline);
    sendFhir(response, answer.status, answer.resource);
  }

  async #answer(request: Request, response: Response, parse: () => SearchQuestion): Promise<void> {
    const trace = traceOf(request, response);
    const viewer = await this.#authenticate(request, trace.exchange);
    const question = parse();
    await this.#checkPatient(viewer, question, trace.exchange);
    const streams = request.get('Accept')?.includes('text/event-stream') ?? false;
    const { bundle_ms, stream_ms } = this.#broker.budgets;
    using deadline = this.#deadline(request, response, streams ? stream_ms : bundle_ms);
    const asked = { viewer, question, self: selfOf(request, this.#broker), ...trace };
    if (streams) return await streamSearch(asked, response, this.#broker, deadline);
    const answer = await answerSearch(asked, this.#broker, deadline);
    sendFhir(response, answer.status, answer.resource);
  }

  async #authenticate(request: Request, exchange: string): Promise<AuthenticatedViewer> {
    const { door, now, audit } = this.#broker;
    const socket = request.socket as TLSSocket;
    try {
      return await authenticateViewer(request.get('Authorization'), socket, this.#binding, door, now());
    } catch (error) {
      if (error instanceof ViewerRefusal) await this.#keepRefusal(error, exchange);
      else if (error instanceof RequestError) await audit.countRefusal(`viewer-${error.code}`);
      throw error;
    }
  }

  /** The token is for one patient: a question about another is refused. */
  async #checkPatient(
    { claims, nhsNumber }: AuthenticatedViewer,
    { patient }: SearchQuestion,
    exchange: string,
  ): Promise<void> {
    if (patient.kind !== 'nhs-number' || patient.nhsNumber === nhsNumber) return;
    const refusal = new ViewerRefusal('patient-mismatch', claims);
    await this.#keepRefusal(refusal, exchange);
    throw refusal;
  }

  #keepRefusal({ claims, code }: ViewerRefusal, exchange: string): Promise<void> {
    const nhsNumber = fromNhsNumberToken(claims.patient);
    const asking = {
      exchange,
      patient: nhsNumber === undefined ? undefined : this.#broker.patientDigest(nhsNumber),
      organisation: claims.requesting_organization,
      user: claims.requesting_user,
      role: claims.requesting_user_role,
      purpose: claims.reason_for_request,
    };
    return this.#broker.audit.viewerRefused(asking, code);
  }

  /** One budget for the whole request, which ends early when the viewer hangs up. */
  #deadline(request: Request, response: Response, budgetMs: number): Deadline {
    const wait = /(?:^|[,;\s])wait=(\d{1,3}(?:\.\d{1,3})?)/.exec(request.get('Prefer') ?? '')?.[1];
    const longest = this.#broker.budgets.document_ms;
    const asked =
      wait === undefined ? budgetMs : Math.min(Math.max(Number(wait) * 1000, SHORTEST_WAIT_MS), longest);
    const deadline = startDeadline(asked);
    response.on('close', () => {
      if (!response.writableFinished) deadline.cancel();
    });
    return deadline;
  }
}

/** The index Patient of a Bundle, with the roll-call contained: links that are missing are missing for a reason. */
function indexAlone({ entry = [] }: Bundle): Resource {
  const index = entry[0]?.resource ?? { resourceType: 'Patient' };
  const outcome = entry.find(({ search }) => search?.mode === 'outcome')?.resource;
  if (outcome === undefined) return index;
  return {
    ...index,
    contained: [{ ...outcome, id: 'roll-call' }],
    extension: [{ url: ROLL_CALL_EXTENSION, valueReference: { reference: '#roll-call' } }],
  };
}

/** True for the name of a resource that can be a patient's own: nothing else leads from the patient anywhere. */
function isOfAPatient(name: string): boolean {
  return LOCAL_NAME.test(name) && isAboutAPatient({ resourceType: name.split('/')[0] ?? '' });
}

/** JSON or an event stream is all there is. */
function checkAccept(request: Request): void {
  const accept = request.get('Accept');
  if (accept === undefined || accept.includes('text/event-stream')) return;
  if (request.accepts(['application/fhir+json', 'application/json']) === false)
    throw new RequestError('not-acceptable');
}

/** The query's parameters, and those of a POSTed form. */
function parametersOf(request: Request): URLSearchParams {
  const cut = request.url.indexOf('?');
  const parameters = new URLSearchParams(cut < 0 ? '' : request.url.slice(cut + 1));
  for (const [name, value] of Object.entries((request.body ?? {}) as Record<string, string | string[]>)) {
    for (const one of [value].flat()) parameters.append(name, one);
  }
  return parameters;
}

function selfOf(request: Request, broker: Requesting): string {
  return `${broker.publicBase()}${request.originalUrl}`;
}

/** The request's id and trace context: the viewer's own where it sends good ones. */
function traceOf(request: Request, response: Response): { exchange: string; traceparent: string } {
  const id = request.get('X-Request-Id') ?? '';
  const exchange = UUID.test(id) ? id.toLowerCase() : randomUUID();
  response.set('X-Request-Id', exchange);
  const parent = request.get('traceparent') ?? '';
  const traceparent = TRACEPARENT.test(parent)
    ? parent
    : `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`;
  return { exchange, traceparent };
}
