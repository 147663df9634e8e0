import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import { FHIR_JSON, type Bundle, type BundleEntry, type Resource } from '../fhir/resource.ts';
import { loadDefinitions } from './record/definitions.ts';
import { capabilityStatement } from './record/metadata.ts';
import { parametersOf, parseQuery, type Query } from './record/query.ts';
import { operationOutcome, Refusal } from './record/refusal.ts';
import { search, type Page } from './record/search.ts';
import { RecordStore } from './record/store.ts';

export interface RecordServerOptions {
  /** The absolute service base, without a final slash: `http://127.0.0.1:4111/fhir`. */
  readonly base: string;
  /** What the record holds; ids are kept. Held by reference: not to be changed afterwards. */
  readonly resources: Iterable<Resource>;
  /** Decides whether a request may be answered; refused ones get 401. Without it everybody may ask. */
  readonly authorise?: (request: Request) => boolean | Promise<boolean>;
  readonly startedAt?: Date;
}

/**
 * A regional record: a read-only FHIR R4 server in memory under the path of `base`. Read, search by GET and POST,
 * `_include`, `_sort`, paging by `next` links, `metadata`. What it does not understand it refuses.
 *
 * @throws Error when a resource has no id, or two have the same type and id
 */
export function createRecordServer(options: RecordServerOptions): Express {
  const { base, authorise, startedAt = new Date() } = options;
  const definitions = loadDefinitions();
  const store = new RecordStore(base, options.resources);
  const metadata = capabilityStatement(base, definitions, startedAt);

  const answerSearch = (request: Request<{ type: string }>, response: Response): void => {
    const query = parseQuery(definitions, request.params.type, parametersIn(request));
    send(response, 200, searchset(base, query, search(query, store)));
  };
  const answerRead = (request: Request<{ type: string; id: string }>, response: Response): void => {
    const { type, id } = request.params;
    parametersOf(definitions, type);
    const resource = store.get(type, id);
    if (resource === undefined) throw new Refusal(404, 'not-found', `There is no such ${type}.`);
    if (resource.meta?.versionId !== undefined) response.set('ETag', `W/"${resource.meta.versionId}"`);
    send(response, 200, resource);
  };

  const fhir = express.Router();
  fhir.use(acceptsJson);
  if (authorise !== undefined) fhir.use(authorisedBy(authorise));
  fhir.get('/metadata', (_request, response) => send(response, 200, metadata));
  fhir.get('/:type', answerSearch);
  fhir.post('/:type/_search', express.text({ type: 'application/x-www-form-urlencoded' }), answerSearch);
  fhir.get('/:type/:id', answerRead);
  fhir.use((request: Request) => {
    const known = request.method === 'GET' || request.method === 'HEAD';
    throw new Refusal(known ? 404 : 405, 'not-supported', 'This record is read by GET, or searched by POST.');
  });

  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(new URL(base).pathname, fhir);
  app.use(() => {
    throw new Refusal(404, 'not-found', 'The FHIR service is at another path.');
  });
  app.use(answerError);
  return app;
}

/** The parameters of the address and, for POST, of the form, in the order sent. */
function parametersIn(request: Request): [string, string][] {
  const form: unknown = request.body;
  if (request.method === 'POST' && typeof form !== 'string') {
    throw new Refusal(415, 'not-supported', 'Send the search as application/x-www-form-urlencoded.');
  }
  const address = new URL(request.originalUrl, 'http://record').searchParams;
  return [...address, ...new URLSearchParams(typeof form === 'string' ? form : '')];
}

function searchset(base: string, query: Query, page: Page): Bundle {
  const link = (relation: string, offset: number): { relation: string; url: string } => {
    const parameters = new URLSearchParams(query.given as [string, string][]);
    parameters.set('_count', String(query.count));
    if (offset > 0) parameters.set('_offset', String(offset));
    return { relation, url: `${base}/${query.type}?${parameters.toString()}` };
  };
  const next = query.offset + query.count;
  const entryOf = (resource: Resource, mode: 'match' | 'include'): BundleEntry => ({
    fullUrl: `${base}/${resource.resourceType}/${resource.id ?? ''}`,
    resource,
    search: { mode },
  });
  const entry = [
    ...page.matches.map((resource) => entryOf(resource, 'match')),
    ...page.included.map((resource) => entryOf(resource, 'include')),
  ];
  return {
    resourceType: 'Bundle',
    type: 'searchset',
    total: page.total,
    link: [link('self', query.offset), ...(query.count > 0 && next < page.total ? [link('next', next)] : [])],
    // FHIR allows no empty array.
    ...(entry.length > 0 && { entry }),
  };
}

function acceptsJson(request: Request, _response: Response, next: NextFunction): void {
  const format = new URL(request.originalUrl, 'http://record').searchParams.get('_format');
  const wanted = [FHIR_JSON, 'application/json', 'json'];
  if (!request.accepts(wanted) || format?.includes('xml')) {
    throw new Refusal(406, 'not-supported', 'This record answers in JSON only.');
  }
  next();
}

function authorisedBy(authorise: NonNullable<RecordServerOptions['authorise']>) {
  return async (request: Request, response: Response, next: NextFunction): Promise<void> => {
    if (await authorise(request)) return next();
    response.set('WWW-Authenticate', 'Bearer');
    throw new Refusal(401, 'login', 'This record needs an accepted caller.');
  };
}

// Express knows an error handler by its four parameters.
function answerError(error: unknown, _request: Request, response: Response, _next: NextFunction): void {
  const status: unknown = error instanceof Error ? Reflect.get(error, 'status') : undefined;
  if (error instanceof Refusal) send(response, error.status, operationOutcome(error.issue, error.message));
  else if (typeof status === 'number' && status < 500)
    send(response, status, operationOutcome('invalid', 'The request cannot be read.'));
  else send(response, 500, operationOutcome('exception', 'The record failed on this request.'));
}

function send(response: Response, status: number, resource: Resource): void {
  response.status(status).type(`${FHIR_JSON}; charset=utf-8`).send(JSON.stringify(resource));
}
