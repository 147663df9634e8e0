import { RequestError } from '../../errors.ts';
import { SYSTEM } from '../../fhir/codes.ts';
import { errorOutcome, operationOutcome, type OperationOutcome } from '../../fhir/operation-outcome.ts';
import { isObject, type Resource } from '../../fhir/resource.ts';
import type { Received } from './receive-encounters.ts';

export const MOST_ENTRIES = 500;
const ENTRY = { POST: /^Encounter$/, PUT: /^Encounter\/[A-Za-z0-9.-]{1,64}$/ };

export interface EncounterBundle {
  readonly type: 'batch' | 'transaction';
  /** Each entry's resource, or why it is none that is taken here. */
  readonly entries: readonly unknown[];
}

/** @throws RequestError `bad-json` for what is no such Bundle, `too-large` */
export function readEncounterBundle(body: unknown): EncounterBundle {
  const type = isObject(body) && body['resourceType'] === 'Bundle' ? body['type'] : undefined;
  if (!isObject(body) || (type !== 'batch' && type !== 'transaction'))
    throw new RequestError('bad-json', 'Bundle');
  const entries: unknown = body['entry'] ?? [];
  if (!Array.isArray(entries)) throw new RequestError('bad-json', 'Bundle.entry');
  if (entries.length > MOST_ENTRIES) throw new RequestError('too-large', `at most ${MOST_ENTRIES} entries`);
  return { type, entries: entries.map(encounterOf) };
}

function encounterOf(entry: unknown): unknown {
  const request = isObject(entry) ? entry['request'] : undefined;
  if (!isObject(entry) || !isObject(request)) return new RequestError('bad-request', 'entry.request');
  const { method, url } = request;
  if (method !== 'POST' && method !== 'PUT') return new RequestError('method-not-allowed');
  if (typeof url !== 'string' || !ENTRY[method].test(url))
    return new RequestError('bad-request', 'entry.request.url');
  return entry['resource'];
}

/** Each entry's own outcome, in their order. */
export function batchResponse(type: EncounterBundle['type'], received: readonly Received[]): Resource {
  return {
    resourceType: 'Bundle',
    type: `${type}-response`,
    entry: received.map((one) => ({ response: { status: statusOf(one), outcome: outcomeOf(one) } })),
  };
}

/** Of a transaction that was refused as a whole: an issue for each entry at fault. */
export function refusedTransaction(received: readonly Received[]): OperationOutcome {
  return operationOutcome(
    received.flatMap((one, nth) => {
      if (!(one instanceof RequestError)) return [];
      return errorOutcome(one).issue.map((issue) => ({ ...issue, expression: [`Bundle.entry[${nth}]`] }));
    }),
  );
}

export function outcomeOf(received: Received): OperationOutcome {
  if (received instanceof RequestError) return errorOutcome(received);
  const text = {
    recorded: 'It is recorded where and when the patient was seen; nothing else is kept.',
    'not-a-sighting': 'Nobody was seen: nothing is recorded.',
  }[received];
  const coding = [{ system: SYSTEM.error, code: received }];
  return operationOutcome([{ severity: 'information', code: 'informational', details: { coding, text } }]);
}

const statusOf = (received: Received): string =>
  received instanceof RequestError ? String(received.publicForm.status) : '200';
