import type { Request, Response } from 'express';
import { z } from 'zod';

import { RequestError } from '../errors.ts';
import { orderedId } from '../evidence/ordered-id.ts';
import type { Span, ViewerOutcome } from '../span.ts';
import type { Requesting } from './requesting.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const MOST_PARAMETERS = 100;

/** A Parameters resource (FHIR R4): a name and one `value[x]` each; what no operation here takes is kept out. */
const parametersBody = z.strictObject({
  resourceType: z.literal('Parameters'),
  id: z.string().optional(),
  meta: z.unknown().optional(),
  parameter: z
    .array(z.looseObject({ name: z.string() }))
    .max(MOST_PARAMETERS)
    .default([]),
});

/** The parameters of `Patient/$everything` that are taken, each with its type in the operation's definition. */
const EVERYTHING: Readonly<Record<string, { element: string; value: z.ZodType<string | number> }>> = {
  _since: { element: 'valueInstant', value: z.string() },
  _type: { element: 'valueCode', value: z.string() },
  _count: { element: 'valueInteger', value: z.int() },
};

/** How long a caller will wait (`Prefer: wait=`, RFC 7240, 4.3), in milliseconds; undefined where it does not say. */
export function preferredWaitMs(prefer: string | string[] | undefined): number | undefined {
  const wait = /(?:^|[,;\s])wait=(\d{1,3}(?:\.\d{1,3})?)/.exec([prefer ?? ''].flat().join(','))?.[1];
  return wait === undefined ? undefined : Number(wait) * 1000;
}

/** JSON or an event stream is all there is. @throws RequestError `not-acceptable` */
export function checkAccept(request: Request): void {
  const accept = request.get('Accept');
  if (accept === undefined || accept.includes('text/event-stream')) return;
  if (request.accepts(['application/fhir+json', 'application/json']) === false)
    throw new RequestError('not-acceptable');
}

/** The address's parameters, and those of a POSTed form. */
export function parametersOf(request: Request): URLSearchParams {
  const parameters = addressParameters(request);
  for (const [name, value] of Object.entries((request.body ?? {}) as Record<string, string | string[]>)) {
    for (const one of [value].flat()) parameters.append(name, one);
  }
  return parameters;
}

/**
 * The address's parameters, and those of a POSTed Parameters resource for `$everything`.
 *
 * @throws RequestError `bad-json`, `unknown-parameter`, `bad-parameter`
 */
export function everythingParametersOf(request: Request): URLSearchParams {
  const parameters = addressParameters(request);
  if (request.body === undefined) return parameters;
  const body = parametersBody.safeParse(request.body);
  if (!body.success) throw new RequestError('bad-json', 'Parameters');
  for (const { name, ...value } of body.data.parameter) {
    const known = Object.hasOwn(EVERYTHING, name) ? EVERYTHING[name] : undefined;
    if (known === undefined) throw new RequestError('unknown-parameter');
    const read = known.value.safeParse(value[known.element]);
    if (!read.success) throw new RequestError('bad-parameter', name);
    parameters.append(name, String(read.data));
  }
  return parameters;
}

function addressParameters(request: Request): URLSearchParams {
  const cut = request.url.indexOf('?');
  return new URLSearchParams(cut < 0 ? '' : request.url.slice(cut + 1));
}

/**
 * The `self` link: the address by which a GET asks the same again (FHIR R4, 3.1.1.5.1), however it was asked.
 * It names the patient, as the viewer did: it is for the answer alone.
 */
export function selfOf(request: Request, parameters: URLSearchParams, base: string): string {
  if (request.method !== 'POST') return `${base}${request.originalUrl}`;
  const query = parameters.toString();
  return `${base}${request.path.replace(/\/_search$/, '')}${query === '' ? '' : `?${query}`}`;
}

/** A request begins: its id, the viewer's own where it sends a good one, and what is told of it until its answer is out. */
export function beginRequest(
  request: Request,
  response: Response,
  { spans, now }: Pick<Requesting, 'spans' | 'now'>,
): { exchange: string; span: Span<'viewer-request'> } {
  const id = request.get('X-Request-Id') ?? '';
  const exchange = UUID.test(id) ? id.toLowerCase() : orderedId(now());
  response.set('X-Request-Id', exchange);
  const caller = { who: 'viewer', traceparent: request.get('traceparent') } as const;
  const span = spans.begin('viewer-request', caller, { exchange, outcome: 'complete' });
  response.on('close', () => {
    const outcome = failureOf(response);
    span.end({ status: response.statusCode, ...(outcome === undefined ? {} : { outcome }) });
  });
  return { exchange, span };
}

/** Undefined where something was answered: whether that was all is for who asked the regions to say. */
function failureOf({ writableFinished, statusCode }: Response): ViewerOutcome | undefined {
  if (!writableFinished) return 'gone';
  if (statusCode >= 500) return 'failed';
  return statusCode >= 400 ? 'refused' : undefined;
}
