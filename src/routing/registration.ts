import type { Deadline } from '../deadline.ts';
import { isObject, type Coding } from '../fhir/resource.ts';
import { isNhsNumber } from '../fhir/nhs-number.ts';

/** Where a patient is registered, as the demographics service told it. */
export type Registration =
  | { readonly kind: 'registered' | 'ended'; readonly practice: string; readonly current: string }
  | { readonly kind: 'no-practice' | 'restricted'; readonly current: string }
  | { readonly kind: 'unknown' | 'invalidated' | 'not-reached' };

/** Asks the demographics service. Never rejects for what the service says or fails to say. */
export interface RegistrationSource {
  registrationOf(nhsNumber: string, deadline: Pick<Deadline, 'signal' | 'reason'>): Promise<Registration>;
}

const RESTRICTED_CODES = new Set(['R', 'V', 'REDACTED']);

/**
 * Reads PDS FHIR's Patient. A restricted patient has neither practice, address nor telecom there; a superseded
 * number comes back with another `id` than was asked.
 *
 * @param at milliseconds since the epoch
 * @returns undefined when the answer is not a Patient that can be read
 */
export function readRegistration(answer: unknown, at: number): Registration | undefined {
  if (!isObject(answer) || answer['resourceType'] !== 'Patient') return undefined;
  const current = answer['id'];
  if (typeof current !== 'string' || !isNhsNumber(current)) return undefined;
  if (isRestricted(answer['meta'])) return { kind: 'restricted', current };
  const practices = Array.isArray(answer['generalPractitioner'])
    ? (answer['generalPractitioner'] as unknown[])
    : [];
  const identifier = isObject(practices[0]) ? practices[0]['identifier'] : undefined;
  const practice = isObject(identifier) ? identifier['value'] : undefined;
  if (typeof practice !== 'string' || !/^[A-Z0-9]{3,12}$/.test(practice))
    return { kind: 'no-practice', current };
  const period = isObject(identifier) ? identifier['period'] : undefined;
  const end = isObject(period) ? period['end'] : undefined;
  const ended = typeof end === 'string' && end < new Date(at).toISOString().slice(0, end.length);
  return { kind: ended ? 'ended' : 'registered', practice, current };
}

function isRestricted(meta: unknown): boolean {
  const labels =
    isObject(meta) && Array.isArray(meta['security']) ? (meta['security'] as (Coding | null)[]) : [];
  return labels.some((label) => RESTRICTED_CODES.has(label?.code ?? ''));
}
