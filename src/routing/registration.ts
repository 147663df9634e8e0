import type { Deadline } from '../deadline.ts';
import { isObject, type Coding } from '../fhir/resource.ts';
import { isNhsNumber, NHS_NUMBER_SYSTEM } from '../fhir/nhs-number.ts';

/** Where a patient is registered, as the demographics service told it. */
export type Registration =
  | ({
      readonly kind: 'registered' | 'ended';
      readonly practice: string;
      /** ISO date since when, where it is told. */
      readonly since?: string;
    } & Told)
  | ({ readonly kind: 'no-practice' } & Told)
  | { readonly kind: 'restricted'; readonly current: string }
  /** Not reached, and the last that they told of the number. */
  | { readonly kind: 'restricted-before' }
  | { readonly kind: 'unknown' | 'invalidated' | 'not-reached' };

interface Told {
  readonly current: string;
  readonly deceased?: true;
}

/**
 * Whose question it is, the first first. A clinician's; a neighbour's, which takes no more than a share; what goes on in the
 * background takes what is left.
 */
export const LANES = ['clinician', 'neighbour', 'background'] as const;
export type Lane = (typeof LANES)[number];

/** Restricted as demographics say, or as they said last before they were not reached. */
export function isRestricted(registration: Registration): registration is RestrictedRegistration {
  return registration.kind === 'restricted' || registration.kind === 'restricted-before';
}
type RestrictedRegistration = Extract<Registration, { kind: 'restricted' | 'restricted-before' }>;

/** Asks the demographics service. Never rejects for what the service says or fails to say. */
export interface RegistrationSource {
  /** @throws HouseError `store-unavailable` where they are not reached, nor what they told before: then nobody is asked */
  registrationOf(
    nhsNumber: string,
    deadline: Pick<Deadline, 'signal' | 'reason' | 'remainingMs'>,
    lane?: Lane,
  ): Promise<Registration>;
}

const RESTRICTED_CODES: ReadonlySet<unknown> = new Set(['R', 'V', 'REDACTED']);
const UNRESTRICTED_CODE = 'U';

/** What was asked, and whether the answer shows that it is the answer to that request. */
export interface AskedNumber {
  readonly nhsNumber: string;
  /** The answer mirrors the request's own `X-Request-ID`. */
  readonly isMirrored: boolean;
}

/**
 * Reads PDS FHIR's Patient. A restricted patient has neither practice, address nor telecom there; a superseded
 * number comes back with another `id` than was asked. Every Patient has a security label: one without is not taken.
 *
 * @param at milliseconds since the epoch
 * @returns undefined when the answer is not a Patient that can be read, or is about another patient than was asked
 */
export function readRegistration(answer: unknown, asked: AskedNumber, at: number): Registration | undefined {
  if (!isObject(answer) || answer['resourceType'] !== 'Patient') return undefined;
  const current = answer['id'];
  if (typeof current !== 'string' || !isNhsNumber(current)) return undefined;
  if (!isAnswerFor(asked, current, numbersOf(answer['identifier']))) return undefined;
  const labels = labelsIn(answer['meta']);
  if (labels.some((code) => RESTRICTED_CODES.has(code))) return { kind: 'restricted', current };
  // A restricted patient without the label would be one without a practice.
  if (!labels.includes(UNRESTRICTED_CODE)) return undefined;
  const told: Told = { current, ...(isDeceased(answer) ? { deceased: true } : {}) };
  const identifier = practiceIn(answer['generalPractitioner']);
  const practice = identifier?.['value'];
  if (typeof practice !== 'string' || !/^[A-Z0-9]{3,12}$/.test(practice))
    return { kind: 'no-practice', ...told };
  const period = identifier?.['period'];
  const { start, end } = isObject(period) ? period : {};
  const ended = typeof end === 'string' && end < new Date(at).toISOString().slice(0, end.length);
  const since = typeof start === 'string' ? /^\d{4}-\d{2}-\d{2}/.exec(start)?.[0] : undefined;
  return {
    ...{ kind: ended ? 'ended' : 'registered', practice, ...told },
    ...(since === undefined ? {} : { since }),
  };
}

/**
 * PDS gives a superseded number's successor without naming the number that was asked. Another `id` is believed only in
 * the answer to this very request, and only where the Patient says the same number of itself: anything else may be
 * another patient, whose record would be shown in the place of this one's.
 */
function isAnswerFor({ nhsNumber, isMirrored }: AskedNumber, id: string, own: readonly string[]): boolean {
  if (own.some((number) => number !== id && number !== nhsNumber)) return false;
  return id === nhsNumber || (own.includes(id) && (isMirrored || own.includes(nhsNumber)));
}

function numbersOf(identifiers: unknown): string[] {
  return listOf(identifiers)
    .filter((one) => isObject(one) && one['system'] === NHS_NUMBER_SYSTEM)
    .map((one) => String((one as { value?: unknown }).value));
}

function practiceIn(practices: unknown): Record<string, unknown> | undefined {
  const [first] = listOf(practices);
  const identifier = isObject(first) ? first['identifier'] : undefined;
  return isObject(identifier) ? identifier : undefined;
}

function isDeceased(patient: Record<string, unknown>): boolean {
  return typeof patient['deceasedDateTime'] === 'string' || patient['deceasedBoolean'] === true;
}

/** Codes of the security labels. */
function labelsIn(meta: unknown): unknown[] {
  const labels = isObject(meta) ? (listOf(meta['security']) as (Coding | null)[]) : [];
  return labels.map((label) => label?.code);
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}
