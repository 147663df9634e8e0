import express, { type Express, type Request, type Response } from 'express';
import type { TLSSocket } from 'node:tls';

import { RequestError } from '../errors.ts';
import { FHIR_JSON, type Bundle, type Resource } from '../fhir/resource.ts';
import { isAboutAPatient } from '../fhir/subject-check.ts';
import { closeApp, createApp, only, sendFhir, takes } from '../http/app.ts';
import { workOn, type Work } from '../http/load/work.ts';
import { answerRead } from './answer-read.ts';
import { answerSearch } from './answer-search.ts';
import { auditEventRoutes } from './audit-events.ts';
import { authenticateViewer, ViewerRefusal, type AuthenticatedViewer } from './authenticate-viewer.ts';
import { capabilityStatement, codeSystem } from './capability.ts';
import { keepingRefusals } from './keep-refusal.ts';
import { openPage } from './page-link.ts';
import { parseEverything, parseTypeSearch, patientIndex, type SearchQuestion } from './question.ts';
import type { Requesting } from './requesting.ts';
import { streamSearch } from './stream.ts';
import {
  beginRequest,
  checkAccept,
  everythingParametersOf,
  parametersOf,
  preferredWaitMs,
  selfOf,
} from './viewer-request.ts';

/** Where the OperationOutcome of an answer is that is no Bundle. */
const ROLL_CALL_EXTENSION = 'https://wayleave.example/StructureDefinition/roll-call';
const MOST_BODY_BYTES = 64 * 1024;
const FORM = 'application/x-www-form-urlencoded';
const JSON_TYPES = [FHIR_JSON, 'application/json'];
const READ = ['GET', 'HEAD'];
const SHORTEST_WAIT_MS = 250;
const LOCAL_ID = /^[A-Za-z0-9.-]{1,64}$/;
const TYPE = /^[A-Z][A-Za-z]{1,40}$/;
const LOCAL_NAME = /^[A-Z][A-Za-z]{1,40}\/[A-Za-z0-9.-]{1,64}$/;

/** FHIR R4 for viewers: one server to look at. `binding` is what this listener asks of a viewer. */
export function viewerApi(broker: Requesting, binding: 'certificate' | 'single-use'): Express {
  const app = createApp();
  const api = new ViewerApi(broker, binding);
  const form = [
    takes(FORM),
    express.urlencoded({ type: FORM, extended: false, limit: MOST_BODY_BYTES, parameterLimit: 100 }),
  ];
  const json = [takes(...JSON_TYPES), express.json({ type: JSON_TYPES, limit: MOST_BODY_BYTES })];

  app.use((request, _response, next) => {
    checkAccept(request);
    next();
  });
  app
    .route('/fhir/metadata')
    .get((_request, response) => {
      const audited = broker.door.viewers.haveAuditors(binding);
      sendFhir(response, 200, capabilityStatement(broker.publicBase(), binding, audited));
    })
    .all(only(...READ));
  app
    .route('/fhir/CodeSystem/:id')
    .get((request, response) => sendFhir(response, 200, codeSystem(request.params.id)))
    .all(only(...READ));
  app
    .route('/fhir')
    .get((request, response) => api.page(request, response))
    .all(only(...READ));
  auditEventRoutes(app, broker, binding, form);
  app
    .route('/fhir/:type/_search')
    .post(form, (request: Request<{ type: string }>, response: Response) =>
      api.search(request, response, request.params.type),
    )
    .all(only('POST'));
  app
    .route('/fhir/Patient/:id')
    .get((request, response) => api.patient(request, response, request.params.id))
    .all(only(...READ));
  app
    .route('/fhir/Patient/:id/\\$everything')
    .get((request, response) => api.everything(request, response, request.params.id))
    .post(json, (request: Request<{ id: string }>, response: Response) =>
      api.everything(request, response, request.params.id),
    )
    .all(only(...READ, 'POST'));
  app
    .route('/fhir/:type')
    .get((request, response) => api.search(request, response, request.params.type))
    .all(only(...READ));
  app
    .route('/regions/:region/:record/fhir/:type/:id')
    .get((request, response) => api.read(request, response, request.params))
    .all(only(...READ));
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
    return this.#answer(request, response, parametersOf, (parameters) =>
      parseTypeSearch(type, parameters, this.#broker.publicBase()),
    );
  }

  everything(request: Request, response: Response, id: string): Promise<void> {
    return this.#answer(request, response, everythingParametersOf, (parameters) =>
      parseEverything(id, parameters),
    );
  }

  /** `Patient/{nhs-number}`: the index Patient itself, of the Bundle that a search would give. */
  async patient(request: Request, response: Response, id: string): Promise<void> {
    const begun = beginRequest(request, response, this.#broker);
    const viewer = await this.#authenticate(request, begun);
    const question = patientIndex(id);
    await this.#checkPatient(viewer, question, begun.exchange);
    using work = this.#work(request, response, this.#broker.budgets.bundle_ms);
    const asked = { viewer, question, self: this.#asGiven(request), ...begun };
    const { status, resource } = await answerSearch(asked, this.#broker, work.deadline);
    sendFhir(response, status, status === 200 ? indexAlone(resource as Bundle) : resource);
  }

  async page(request: Request, response: Response): Promise<void> {
    const begun = beginRequest(request, response, this.#broker);
    const viewer = await this.#authenticate(request, begun);
    const sealed = parametersOf(request).get('_page');
    if (sealed === null) throw new RequestError('bad-request', '_page');
    const page = openPage(sealed, viewer, this.#broker);
    using work = this.#work(request, response, this.#broker.budgets.bundle_ms);
    const { question } = page;
    const asked = { viewer, question, page, self: this.#asGiven(request), ...begun };
    const answer = await answerSearch(asked, this.#broker, work.deadline);
    sendFhir(response, answer.status, answer.resource);
  }

  async read(
    request: Request,
    response: Response,
    { region, record, type, id }: { region: string; record: string; type: string; id: string },
  ): Promise<void> {
    const begun = beginRequest(request, response, this.#broker);
    const viewer = await this.#authenticate(request, begun);
    if (!TYPE.test(type) || !LOCAL_ID.test(id)) throw new RequestError('not-found');
    const via = parametersOf(request).get('via') ?? undefined;
    if (via !== undefined && !isOfAPatient(via)) throw new RequestError('bad-parameter', 'via');
    using work = this.#work(request, response, this.#broker.budgets.document_ms);
    const asked = { viewer, region, record, resource: `${type}/${id}`, via, ...begun };
    const answer = await answerRead(asked, this.#broker, work.deadline);
    sendFhir(response, answer.status, answer.resource);
  }

  async #answer(
    request: Request,
    response: Response,
    read: (request: Request) => URLSearchParams,
    parse: (parameters: URLSearchParams) => SearchQuestion,
  ): Promise<void> {
    const begun = beginRequest(request, response, this.#broker);
    const viewer = await this.#authenticate(request, begun);
    const parameters = read(request);
    const question = parse(parameters);
    await this.#checkPatient(viewer, question, begun.exchange);
    const streams = request.get('Accept')?.includes('text/event-stream') ?? false;
    const { bundle_ms, stream_ms } = this.#broker.budgets;
    using work = this.#work(request, response, streams ? stream_ms : bundle_ms);
    const self = selfOf(request, parameters, this.#broker.publicBase());
    const asked = { viewer, question, self, ...begun };
    if (streams) return await streamSearch(asked, response, this.#broker, work.deadline);
    const answer = await answerSearch(asked, this.#broker, work.deadline);
    sendFhir(response, answer.status, answer.resource);
  }

  async #authenticate(
    request: Request,
    { exchange, span }: ReturnType<typeof beginRequest>,
  ): Promise<AuthenticatedViewer> {
    const { door, now, audit } = this.#broker;
    const socket = request.socket as TLSSocket;
    const token = request.get('Authorization');
    const viewer = await keepingRefusals(audit, exchange, () =>
      authenticateViewer(token, socket, this.#binding, door, now()),
    );
    span.set({ viewer: viewer.viewer.id });
    return viewer;
  }

  /** The token is for one patient: a question about another is refused. */
  async #checkPatient(
    { claims, nhsNumber }: AuthenticatedViewer,
    { patient }: SearchQuestion,
    exchange: string,
  ): Promise<void> {
    if (patient.kind !== 'nhs-number' || patient.nhsNumber === nhsNumber) return;
    await keepingRefusals(this.#broker.audit, exchange, () =>
      Promise.reject(new ViewerRefusal('patient-mismatch', claims)),
    );
  }

  #asGiven(request: Request): string {
    return `${this.#broker.publicBase()}${request.originalUrl}`;
  }

  #work(request: Request, response: Response, budgetMs: number): Work {
    const wait = preferredWaitMs(request.get('Prefer'));
    const longest = this.#broker.budgets.document_ms;
    const asked = wait === undefined ? budgetMs : Math.min(Math.max(wait, SHORTEST_WAIT_MS), longest);
    return workOn(request, response, asked);
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
