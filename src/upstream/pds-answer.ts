import { DeliveryError } from '../errors.ts';
import { isObject } from '../fhir/resource.ts';
import { readRegistration, type AskedNumber, type Registration } from '../routing/registration.ts';
import type { Answer } from './exchange.ts';

/** What PDS says with a 404 of its own, and what it means. Any other 404 is that of a wrong address or a proxy. */
const NOT_HELD = { RESOURCE_NOT_FOUND: 'unknown', INVALIDATED_RESOURCE: 'invalidated' } as const;

/**
 * What PDS answered to one request.
 *
 * @param requestId the request's own `X-Request-ID`, which NHS England's API platform mirrors
 * @param at milliseconds since the epoch
 * @throws DeliveryError `peer-throttled`, `peer-refused`, `peer-failed`; `bad-content` for what cannot be read, and for
 *   an answer to another request or about another patient
 */
export function readPdsAnswer(
  answer: Pick<Answer, 'status' | 'header' | 'body'>,
  nhsNumber: string,
  requestId: string,
  at: number,
): Registration {
  const mirrored = answer.header('x-request-id');
  if (mirrored !== undefined && mirrored.toLowerCase() !== requestId) throw notFor('another request');
  const body = readJson(answer.body);
  const notHeld = answer.status === 404 ? notHeldKind(body) : undefined;
  if (notHeld !== undefined) return { kind: notHeld };
  if (answer.status === 429) throw new DeliveryError('peer-throttled', 'demographics');
  if (answer.status === 401 || answer.status === 403) throw new DeliveryError('peer-failed', 'no access');
  if (answer.status !== 200) throw new DeliveryError('peer-failed', 'demographics');
  const asked: AskedNumber = { nhsNumber, isMirrored: mirrored !== undefined };
  const registration = readRegistration(body, asked, at);
  if (registration === undefined) throw notFor('this patient');
  return registration;
}

function notFor(what: string): DeliveryError {
  return new DeliveryError('bad-content', what);
}

function readJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

/** By the code of Spine's own OperationOutcome (Spine-ErrorOrWarningCode). */
function notHeldKind(body: unknown): 'unknown' | 'invalidated' | undefined {
  if (!isObject(body) || body['resourceType'] !== 'OperationOutcome') return undefined;
  const codes = listOf(body['issue'])
    .map((issue) => (isObject(issue) ? issue['details'] : undefined))
    .flatMap((details) => (isObject(details) ? listOf(details['coding']) : []))
    .map((coding) => (isObject(coding) ? coding['code'] : undefined));
  const known = Object.entries(NOT_HELD).find(([code]) => codes.includes(code));
  return known?.[1];
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}
