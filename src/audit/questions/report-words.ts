import { REASONS } from '../../fhir/codes.ts';
import type { Access, AccessKind, RegionPart } from './access.ts';
import type { SeenAccess } from './all-regions.ts';
import type { NotLookedAt } from './not-looked-at.ts';

/** What codes are called in a document for a patient. What a table does not know stays the code that it is. */
export interface Names {
  readonly region: (id: string) => string;
  readonly organisation: (code: string) => string | undefined;
}

/** UKCore-SDSJobRoleName, the roles that the agreements here name and their neighbours. */
const ROLES: Readonly<Record<string, string>> = {
  R0260: 'General Medical Practitioner',
  R8000: 'Clinical Practitioner',
  R8001: 'Nurse',
  R8009: 'Receptionist',
  R8010: 'Clerical worker',
  R0001: 'Privacy Officer',
  R5105: 'Caldicott Guardian',
};

const PURPOSES: Readonly<Record<string, string>> = { directcare: 'Direct care' };

const KINDS: Readonly<Record<AccessKind, string>> = {
  shown: 'Asked here, and shown',
  'nothing-shown': 'Asked here, and nothing was shown',
  'refused-here': 'Asked here, and refused',
  given: 'Given to another region',
  'none-held': 'Another region asked, and nothing was held',
  'nothing-given': 'Another region asked, and was given nothing',
  withheld: 'Withheld from another region',
  refused: 'Another region asked, and was refused',
  unfinished: 'Began, and the log does not say how it ended',
};

/** What our own log says of a look that another region tells. */
const OURS: Partial<Record<AccessKind, string>> = {
  given: 'we gave',
  'none-held': 'we held nothing',
  'nothing-given': 'we gave nothing',
  withheld: 'we withheld it',
  refused: 'we refused',
};

const OUTCOMES: Readonly<Record<string, string>> = {
  answered: 'answered',
  partial: 'answered in part',
  none: 'held nothing',
  withheld: 'withheld',
  refused: 'refused',
  'not-offered': 'does not share this',
  'not-reached': 'was not reached',
};

const DATE_AND_TIME = new Intl.DateTimeFormat('en-GB', {
  ...{ timeZone: 'Europe/London', timeZoneName: 'short', hour12: false },
  ...{
    year: 'numeric',
    month: 'long',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  },
});
const DAY = new Intl.DateTimeFormat('en-GB', { timeZone: 'Europe/London', dateStyle: 'long' });

/** What every form of the report says of one access. */
export interface AccessWords {
  readonly when: string;
  readonly what: string;
  readonly organisation: string;
  readonly role: string;
  readonly purpose: string;
  readonly regions: string;
  readonly resources: string;
  readonly breakGlass: string;
}

/** @param access one of our own report, or of one over all regions */
export function wordsOf(
  access: Access & Partial<Pick<SeenAccess, 'where' | 'ours'>>,
  names: Names,
): AccessWords {
  const { organisation, role, purpose, where, ours = [] } = access;
  const kind = where === undefined ? KINDS[access.kind] : inRegion(access.kind, names.region(where));
  const name = organisation && names.organisation(organisation);
  return {
    when: dateAndTime(access.at),
    what: kind + (access.reason === undefined ? '' : ` (${named(REASONS, access.reason)})`),
    organisation: name === undefined ? (organisation ?? 'Not known') : `${name} (${organisation})`,
    role: role === undefined ? 'Not known' : named(ROLES, role),
    purpose: purpose === undefined ? 'Not known' : named(PURPOSES, purpose),
    regions:
      [...access.regions.map((part) => regionWords(part, access, names)), ...ours.map(ourWords)].join('; ') ||
      'None',
    resources: resourceWords(access),
    breakGlass: glassWords(access),
  };
}

/** “Here” is no place in a document of several regions. */
function inRegion(kind: AccessKind, region: string): string {
  return KINDS[kind].replace('Asked here', `Asked in ${region}`);
}

function ourWords(ours: Access): string {
  const said = OURS[ours.kind] ?? 'which does not say how it ended';
  return `our own log: ${said}${ours.kind === 'given' ? ` ${resourceWords(ours)}` : ''}`;
}

/** As `22 November 2026 at 10:04:09 GMT`, the time of England. */
export function dateAndTime(at: number): string {
  return DATE_AND_TIME.format(at);
}

/** A span of days as a sentence says it. */
export function spanWords(from: number, to: number, now: number): string {
  const since = from <= 0 ? 'the beginning of the log' : DAY.format(from);
  return `${since} to ${DAY.format(Math.min(to - 1, now))}`;
}

/** For whom the report is about: what it does not tell of. */
export function archivedWords({ oldest, newest }: NotLookedAt): string {
  const [first, last] = [oldest, newest].map((at) => DAY.format(at));
  return `The log from ${first} to ${last} is archived and was not looked at: this report does not say who saw the record then.`;
}

function regionWords(
  { region, outcome, reason, count }: RegionPart,
  { askedBy, kind }: Access,
  names: Names,
): string {
  const name = names.region(region);
  if (askedBy === 'neighbour') return kind === 'nothing-given' ? `${name} (${ourAnswer(outcome)})` : name;
  const said = outcome === undefined ? 'was asked' : named(OUTCOMES, outcome);
  const many = (count ?? 0) > 0 ? ` with ${count}` : '';
  return `${name} ${said}${many}${reason === undefined ? '' : ` (${named(REASONS, reason)})`}`;
}

function ourAnswer(outcome: string | undefined): string {
  return outcome === undefined ? 'the log does not say why' : `our part ${named(OUTCOMES, outcome)}`;
}

function resourceWords({ types, count }: Access): string {
  if (types === undefined) return count === 0 ? 'Not known: erased' : `${count}; which is not known: erased`;
  if (types.length === 0) return 'None';
  return types.map((one) => `${one.count} ${one.type}`).join(', ');
}

function glassWords({ breakGlass }: Access): string {
  if (breakGlass === undefined) return 'No';
  const { code, reason } = breakGlass;
  return ['Yes', code, reason].filter((part) => part !== undefined).join(': ');
}

/** What a table calls a code; one that it does not know stays as it is. */
export function named(table: Readonly<Record<string, string>>, code: string): string {
  const name = Object.hasOwn(table, code) ? table[code] : undefined;
  return name === undefined ? code : name;
}
