import { instantOf } from '../audit/questions/search.ts';
import { RequestError } from '../errors.ts';
import { isPersonal } from '../evidence/claims.ts';
import { SYSTEM } from '../fhir/codes.ts';
import { checkFormat, readPatient } from './question.ts';

/** A search for AuditEvents, parsed once at the door. */
export interface AuditQuestion {
  /** Milliseconds since the epoch, `from` included, `to` not. */
  readonly from: number;
  readonly to: number;
  readonly nhsNumber: string | undefined;
  /** `system|id`. */
  readonly user: string | undefined;
  /** ODS code. */
  readonly organisation: string | undefined;
  /** FHIR R4 audit-event-outcome. */
  readonly outcome: string | undefined;
  readonly count: number;
  /** The names of what it is searched by, for the log. */
  readonly filters: readonly string[];
}

/** What can be asked, with FHIR's type of each; the CapabilityStatement says it too. */
export const AUDIT_PARAMETERS = {
  patient: 'reference',
  'patient.identifier': 'token',
  date: 'date',
  agent: 'reference',
  'agent.identifier': 'token',
  outcome: 'token',
  _count: 'number',
} as const;

const DAY = 86_400_000;
/** The longest span of one search. */
const MOST_DAYS = { 'one-patient': 3_660, 'any-patient': 366 } as const;
const MOST_COUNT = 200;
const COUNT = 50;
const MOST_PARAMETERS = 10;
const OUTCOMES = new Set(['0', '4', '8', '12']);
const ORGANISATION = /^[A-Z0-9]{3,12}$/;

/**
 * Each parameter once, but for `date` and the two kinds of `agent`. No wildcards, no lists, no modifiers.
 *
 * @param base the viewer's service base, so that the patient may come as a URL
 * @param now the end of a search that names none
 * @throws RequestError `unknown-parameter`, `bad-parameter`, `bad-nhs-number`, `not-acceptable`
 */
export function parseAuditQuestion(parameters: URLSearchParams, base: string, now: number): AuditQuestion {
  const all = [...parameters];
  if (all.length > MOST_PARAMETERS) throw new RequestError('bad-request', 'too many parameters');
  const taken = new Map<string, string>();
  const take = (kind: string, name: string, value: string): void => {
    if (taken.has(kind)) throw new RequestError('bad-parameter', `${name} twice`);
    taken.set(kind, value);
  };
  let from: number | undefined;
  let to = now + DAY;
  for (const [name, value] of all) {
    if (name === '_format') checkFormat(value);
    else if (!Object.hasOwn(AUDIT_PARAMETERS, name)) throw new RequestError('unknown-parameter');
    else if (name === 'date') {
      const [lower, upper] = readDate(value);
      if (lower !== undefined) from = Math.max(from ?? 0, lower);
      if (upper !== undefined) to = Math.min(to, upper);
    } else if (name.startsWith('patient')) take('patient', name, readNumber(name, value, base));
    else if (name.startsWith('agent')) take(kindOfAgent(value), 'agent', value);
    else take(name, name, value);
  }
  const nhsNumber = taken.get('patient');
  const days = MOST_DAYS[nhsNumber === undefined ? 'any-patient' : 'one-patient'];
  if (from === undefined)
    throw new RequestError('bad-parameter', 'date: say from when, as date=ge2026-11-01');
  if (to - from > days * DAY) throw new RequestError('bad-parameter', `date: more than ${days} days`);
  const outcome = taken.get('outcome');
  if (outcome !== undefined && !OUTCOMES.has(outcome)) throw new RequestError('bad-parameter', 'outcome');
  return {
    ...{ from, to, nhsNumber, outcome, count: readCount(taken.get('_count')) },
    user: taken.get('user'),
    organisation: taken.get('organisation')?.slice(SYSTEM.organisation.length + 1),
    filters: [...new Set(['date', ...taken.keys()])].filter((name) => name !== '_count'),
  };
}

function readNumber(name: string, value: string, base: string): string {
  const patient = readPatient(name, value, base);
  if (patient.kind !== 'nhs-number') throw new RequestError('bad-parameter', name);
  return patient.nhsNumber;
}

/** `system|value` of a person or of an organisation, whole: nothing is looked for by a part of it. */
function kindOfAgent(value: string): 'user' | 'organisation' {
  const system = `${SYSTEM.organisation}|`;
  const isOrganisation = value.startsWith(system) && ORGANISATION.test(value.slice(system.length));
  if (!isOrganisation && (value.length > 200 || !isPersonal(value)))
    throw new RequestError('bad-parameter', 'agent');
  return isOrganisation ? 'organisation' : 'user';
}

/** FHIR R4, 3.1.1.4.5: a date is all of its span, and the prefix says where that may lie. */
function readDate(value: string): [from: number | undefined, to: number | undefined] {
  const [, prefix = 'eq', text = ''] = /^(eq|ge|gt|le|lt)?(\d.*)$/.exec(value) ?? [];
  const start = instantOf(text, false);
  if (start === undefined) throw new RequestError('bad-parameter', 'date');
  const end = start + spanOf(text);
  switch (prefix) {
    case 'ge':
      return [start, undefined];
    case 'gt':
      return [end, undefined];
    case 'le':
      return [undefined, end];
    case 'lt':
      return [undefined, start];
    default:
      return [start, end];
  }
}

/** Milliseconds that a date or an instant stands for, by how precisely it was written. */
function spanOf(text: string): number {
  if (!text.includes('T')) return DAY;
  const [, , seconds, fraction] = /T(\d{2}:\d{2})(:\d{2})?(\.\d{1,3})?/.exec(text) ?? [];
  if (seconds === undefined) return 60_000;
  return fraction === undefined ? 1_000 : 10 ** (4 - fraction.length);
}

function readCount(value: string | undefined): number {
  if (value === undefined) return COUNT;
  if (!/^[1-9]\d{0,8}$/.test(value)) throw new RequestError('bad-parameter', '_count');
  return Math.min(Number(value), MOST_COUNT);
}
