import express, { type Express, type Request, type Response } from 'express';
import { randomBytes, randomUUID } from 'node:crypto';
import type { TLSSocket } from 'node:tls';

import { startDeadline, type Deadline } from '../deadline.ts';
import { RequestError } from '../errors.ts';
import { closeApp, createApp, methodNotAllowed, sendFhir } from '../http/app.ts';
import { answerRead } from './answer-read.ts';
import { answerSearch } from './answer-search.ts';
import { authenticateViewer, type AuthenticatedViewer } from './authenticate-viewer.ts';
import { capabilityStatement, codeSystem } from './capability.ts';
import { openPage } from './page-link.ts';
import { parseEverything, parseTypeSearch, patientIndex, type SearchQuestion } from './question.ts';
import type { Requesting } from './requesting.ts';
import { streamSearch } from './stream.ts';

const MOST_FORM_BYTES = 64 * 1024;
const SHORTEST_WAIT_MS = 250;
const LOCAL_ID = /^[A-Za-z0-9.-]{1,64}$/;
const TYPE = /^[A-Z][A-Za-z]{1,40}$/;
const TRACEPARENT = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Refusals of a viewer whose signature was good: these go into the audit with who it was. */
const PROVED_REFUSALS = new Set(['organisation-refused', 'user-refused', 'role-refused', 'purpose-refused']);

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
    const viewer = await this.#authenticate(request);
    const question = patientIndex(id);
    await this.#checkPatient(viewer, question);
    using deadline = this.#deadline(request, response, this.#broker.budgets.bundle_ms);
    const asked = { viewer, question, self: selfOf(request, this.#broker), ...traceOf(request, response) };
    const { status, resource } = await answerSearch(asked, this.#broker, deadline);
    const entries = Array.isArray(resource['entry']) ? (resource['entry'] as { resource: object }[]) : [];
    sendFhir(response, status, status === 200 ? (entries[0]?.resource ?? resource) : resource);
  }

  async page(request: Request, response: Response): Promise<void> {
    const viewer = await this.#authenticate(request);
    const sealed = parametersOf(request).get('_page');
    if (sealed === null) throw new RequestError('bad-request', '_page');
    const page = openPage(sealed, viewer, this.#broker);
    using deadline = this.#deadline(request, response, this.#broker.budgets.bundle_ms);
    const asked = {
      viewer,
      question: page.question,
      page,
      self: selfOf(request, this.#broker),
      ...traceOf(request, response),
    };
    const answer = await answerSearch(asked, this.#broker, deadline);
    sendFhir(response, answer.status, answer.resource);
  }

  async read(
    request: Request,
    response: Response,
    { region, record, type, id }: { region: string; record: string; type: string; id: string },
  ): Promise<void> {
    const viewer = await this.#authenticate(request);
    if (!TYPE.test(type) || !LOCAL_ID.test(id)) throw new RequestError('not-found');
    const via = parametersOf(request).get('via') ?? undefined;
    if (via !== undefined && !via.split('/').every((part, at) => (at === 0 ? TYPE : LOCAL_ID).test(part))) {
      throw new RequestError('bad-parameter', 'via');
    }
    using deadline = this.#deadline(request, response, this.#broker.budgets.document_ms);
    const asked = { viewer, region, record, resource: `${type}/${id}`, via, ...traceOf(request, response) };
    const answer = await answerRead(asked, this.#broker, deadline);
    sendFhir(response, answer.status, answer.resource);
  }

  async #answer(request: Request, response: Response, parse: () => SearchQuestion): Promise<void> {
    const viewer = await this.#authenticate(request);
    const question = parse();
    await this.#checkPatient(viewer, question);
    const streams = request.get('Accept')?.includes('text/event-stream') ?? false;
    const { bundle_ms, stream_ms } = this.#broker.budgets;
    using deadline = this.#deadline(request, response, streams ? stream_ms : bundle_ms);
    const asked = { viewer, question, self: selfOf(request, this.#broker), ...traceOf(request, response) };
    if (streams) return streamSearch(asked, response, this.#broker, deadline);
    const answer = await answerSearch(asked, this.#broker, deadline);
    sendFhir(response, answer.status, answer.resource);
  }

  async #authenticate(request: Request): Promise<AuthenticatedViewer> {
    const { door, now, audit } = this.#broker;
    try {
      return await authenticateViewer(
        request.get('Authorization'),
        request.socket as TLSSocket,
        this.#binding,
        door,
        now(),
      );
    } catch (error) {
      if (error instanceof RequestError) {
        if (PROVED_REFUSALS.has(error.code))
          await audit.viewerRefused({ exchange: randomUUID() }, error.code);
        else await audit.countRefusal(`viewer-${error.code}`);
      }
      throw error;
    }
  }

  /** The token is for one patient: a question about another is refused, and kept with who asked. */
  async #checkPatient(viewer: AuthenticatedViewer, { patient }: SearchQuestion): Promise<void> {
    if (patient.kind !== 'nhs-number' || patient.nhsNumber === viewer.nhsNumber) return;
    const { requesting_organization: organisation, requesting_user: user } = viewer.claims;
    await this.#broker.audit.viewerRefused(
      { exchange: randomUUID(), organisation, user },
      'patient-mismatch',
    );
    throw new RequestError('patient-mismatch');
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
