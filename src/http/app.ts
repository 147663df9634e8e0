import express, {
  type ErrorRequestHandler,
  type Express,
  type Request,
  type RequestHandler,
  type Response,
} from 'express';
import helmet from 'helmet';

import { HouseError, isWayleaveError, RequestError, type WayleaveError } from '../errors.ts';
import { errorOutcome } from '../fhir/operation-outcome.ts';
import { FHIR_JSON } from '../fhir/resource.ts';
import { errorFields, type Log } from '../log.ts';

/** An express application with what every listener shares: safe headers, nothing cached, nothing guessed. */
export function createApp(): Express {
  const app = express();
  app.set('etag', false);
  app.set('query parser', 'simple');
  app.set('case sensitive routing', true);
  app.use(helmet());
  app.use((request, response, next) => {
    response.set('Cache-Control', 'no-store');
    // RFC 9112, 3.2
    if (request.headers.host === undefined && request.httpVersion === '1.1')
      throw new RequestError('bad-request', 'Host');
    next();
  });
  return app;
}

/** The last handlers of an application: an unknown address, and every error as an OperationOutcome. */
export function closeApp(app: Express, log: Log): void {
  app.use(notFound);
  // Express takes four arguments for a handler of errors.
  const onError: ErrorRequestHandler = (error: unknown, _request, response, _next) => {
    if (!response.headersSent) return sendError(response, error, log);
    // Half an answer must not pass for a whole one; and express would print the error as it is.
    log.error(errorFields(error), 'an answer was cut off');
    response.destroy();
  };
  app.use(onError);
}

export function sendFhir(response: Response, status: number, resource: object): void {
  response.status(status).type(FHIR_JSON).send(JSON.stringify(resource));
}

/** Seconds after which a request may be sent again, by status (RFC 9110, 10.2.3). */
const RETRY_AFTER_S: Readonly<Record<number, number>> = { 429: 1, 503: 5 };

/** Answers an error by the one table; what is not ours becomes `internal`, and its class is logged. */
export function sendError(response: Response, error: unknown, log: Log): void {
  const known = toWayleaveError(error);
  if (known.code === 'internal') log.error(errorFields(error), 'unexpected error');
  const { status } = known.publicForm;
  const retryAfter = RETRY_AFTER_S[status];
  if (retryAfter !== undefined) response.set('Retry-After', String(retryAfter));
  if (known.code === 'token-missing') response.set('WWW-Authenticate', 'Bearer');
  if (known.code === 'token-refused') response.set('WWW-Authenticate', 'Bearer error="invalid_token"');
  sendFhir(response, status, errorOutcome(known));
}

/** The error of ours that an error means; what is not known is `internal`. */
export function toWayleaveError(error: unknown): WayleaveError {
  if (isWayleaveError(error)) return error;
  // body-parser's and express's own errors say what happened in `type` and `status`.
  const { type, status } = error as { type?: unknown; status?: unknown };
  if (type === 'entity.too.large' || type === 'parameters.too.many') return new RequestError('too-large');
  if (type === 'entity.parse.failed') return new RequestError('bad-json');
  if (type === 'encoding.unsupported' || type === 'charset.unsupported')
    return new RequestError('unsupported-media');
  if (typeof status === 'number' && status >= 400 && status < 500) return new RequestError('bad-request');
  return new HouseError('internal', undefined, { cause: error });
}

/** An address that is none of ours. */
export function notFound(): never {
  throw new RequestError('not-found');
}

/** Refuses a request that must have come by one of `methods`, and names them (RFC 9110, 10.2.1). */
export function only(...methods: readonly string[]): (request: Request, response: Response) => never {
  return (_request, response) => {
    response.set('Allow', methods.join(', '));
    throw new RequestError('method-not-allowed');
  };
}

/** Refuses a body of another media type than `types`; no body at all is none of another type. */
export function takes(...types: readonly string[]): RequestHandler {
  return (request, _response, next) => {
    const { 'transfer-encoding': coding, 'content-length': length = '0' } = request.headers;
    const empty = coding === undefined && Number(length) === 0;
    if (!empty && typeof request.is([...types]) !== 'string') throw new RequestError('unsupported-media');
    next();
  };
}
