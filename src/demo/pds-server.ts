import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import { isNhsNumber } from '../fhir/nhs-number.ts';
import { FHIR_JSON, type Resource } from '../fhir/resource.ts';
import type { PdsEntry } from './demo-data.ts';

export interface PdsServerOptions {
  readonly entries: readonly PdsEntry[];
  /** Requests per second that one application may send; further ones get 429. Without it, any number. */
  readonly rate?: number | undefined;
  readonly now?: () => number;
}

const BASE = '/personal-demographics/FHIR/R4';
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** The answers of the Personal Demographics Service FHIR API: code -> status, FHIR issue type, display. */
const ERRORS = {
  MISSING_VALUE: [400, 'required', 'Required value is missing'],
  INVALID_VALUE: [400, 'value', 'Provided value is invalid'],
  INVALID_RESOURCE_ID: [400, 'value', 'Resource Id is invalid'],
  UNSUPPORTED_SERVICE: [400, 'processing', 'Unsupported Service'],
  RESOURCE_NOT_FOUND: [404, 'not-found', 'Resource not found'],
  INVALIDATED_RESOURCE: [
    404,
    'processing',
    'Resource that has been marked as invalid was requested - invalid resources cannot be retrieved',
  ],
  TOO_MANY_REQUESTS: [429, 'throttled', 'Too many requests'],
} as const;

/** A stand-in for PDS FHIR R4 (NHS England): `GET Patient/{nhs-number}`, with PDS's own answers and errors. */
export function createPdsServer({ entries, rate, now = Date.now }: PdsServerOptions): Express {
  const byNumber = new Map(entries.map((entry) => [entry.nhsNumber, entry]));
  const app = express();
  app.disable('x-powered-by');
  app.use(echoIds);
  if (rate !== undefined) app.use(limitedTo(rate, now));
  app.get(`${BASE}/Patient/:number`, (request, response) => {
    const requestId = request.get('x-request-id');
    if (!requestId) {
      const missing =
        'Invalid request with error - X-Request-ID header must be supplied to access this resource';
      return refuse(response, 'MISSING_VALUE', missing);
    }
    if (!UUID.test(requestId))
      return refuse(response, 'INVALID_VALUE', "Invalid value in header 'X-Request-ID'");
    if (!isNhsNumber(request.params.number)) return refuse(response, 'INVALID_RESOURCE_ID');
    answer(response, byNumber.get(request.params.number), byNumber);
  });
  app.use((_request: Request, response: Response) => refuse(response, 'UNSUPPORTED_SERVICE'));
  return app;
}

function answer(
  response: Response,
  entry: PdsEntry | undefined,
  byNumber: ReadonlyMap<string, PdsEntry>,
): void {
  if (entry === undefined) return refuse(response, 'RESOURCE_NOT_FOUND');
  if ('invalidated' in entry) return refuse(response, 'INVALIDATED_RESOURCE');
  if ('supersededBy' in entry) return answer(response, byNumber.get(entry.supersededBy), byNumber);
  response.set('ETag', `W/"${entry.patient.meta?.versionId ?? '1'}"`);
  send(response, 200, entry.patient);
}

function echoIds(request: Request, response: Response, next: NextFunction): void {
  for (const name of ['X-Request-ID', 'X-Correlation-ID']) {
    const value = request.get(name);
    if (value !== undefined && UUID.test(value)) response.set(name, value);
  }
  next();
}

/** Counts by the application's credentials over the last second. */
function limitedTo(rate: number, now: () => number) {
  const recent = new Map<string, number[]>();
  return (request: Request, response: Response, next: NextFunction): void => {
    const application = request.get('authorization') ?? '';
    const since = (recent.get(application) ?? []).filter((time) => time > now() - 1000);
    if (since.length >= rate) return refuse(response, 'TOO_MANY_REQUESTS');
    recent.set(application, [...since, now()]);
    next();
  };
}

function refuse(response: Response, code: keyof typeof ERRORS, diagnostics?: string): void {
  const [status, type, display] = ERRORS[code];
  const system = 'https://fhir.nhs.uk/R4/CodeSystem/Spine-ErrorOrWarningCode';
  const details = { coding: [{ system, version: '1', code, display }] };
  const issue = { severity: 'error', code: type, details, ...(diagnostics !== undefined && { diagnostics }) };
  send(response, status, { resourceType: 'OperationOutcome', issue: [issue] });
}

function send(response: Response, status: number, resource: Resource): void {
  response.status(status).type(FHIR_JSON).send(JSON.stringify(resource));
}
