import { RequestError } from '../errors.ts';

/**
 * The allow-list of FHIR R4 search parameters, parsed at both ends. The parameter that names the patient is
 * never in a search between brokers: the responder adds it.
 */

const PARAMETERS: Readonly<Record<string, readonly string[]>> = {
  AllergyIntolerance: [
    'clinical-status',
    'verification-status',
    'category',
    'code',
    'criticality',
    'date',
    'type',
  ],
  Appointment: ['status', 'date', 'appointment-type', 'service-type', 'specialty'],
  CarePlan: ['category', 'date', 'status', 'intent', 'activity-code'],
  CareTeam: ['category', 'date', 'status'],
  Claim: ['status', 'created', 'use'],
  Communication: ['category', 'sent', 'status'],
  Composition: ['category', 'date', 'status', 'type', 'confidentiality', 'title'],
  Condition: [
    'category',
    'clinical-status',
    'code',
    'onset-date',
    'recorded-date',
    'severity',
    'verification-status',
  ],
  Consent: ['category', 'date', 'status', 'scope', 'period'],
  Coverage: ['status', 'type'],
  DiagnosticReport: ['category', 'code', 'date', 'issued', 'status', 'encounter'],
  DocumentReference: ['category', 'date', 'period', 'status', 'type', 'facility', 'setting', 'encounter'],
  Encounter: ['class', 'date', 'status', 'type', 'reason-code', 'length'],
  EpisodeOfCare: ['date', 'status', 'type'],
  ExplanationOfBenefit: ['created', 'status'],
  FamilyMemberHistory: ['date', 'status', 'relationship', 'code'],
  Flag: ['date', 'encounter'],
  Goal: ['category', 'lifecycle-status', 'start-date', 'target-date'],
  ImagingStudy: ['modality', 'started', 'status', 'bodysite', 'encounter'],
  Immunization: ['date', 'status', 'vaccine-code', 'target-disease', 'lot-number', 'status-reason'],
  List: ['code', 'date', 'status', 'encounter'],
  Media: ['created', 'status', 'type', 'encounter'],
  MedicationAdministration: ['code', 'effective-time', 'status'],
  MedicationDispense: ['code', 'status', 'type', 'whenhandedover', 'whenprepared'],
  MedicationRequest: ['authoredon', 'category', 'code', 'date', 'encounter', 'intent', 'priority', 'status'],
  MedicationStatement: ['category', 'code', 'effective', 'status'],
  Observation: ['category', 'code', 'date', 'encounter', 'status', 'value-quantity', 'value-concept'],
  Patient: [],
  Procedure: ['category', 'code', 'date', 'encounter', 'status'],
  QuestionnaireResponse: ['authored', 'questionnaire', 'status', 'encounter'],
  RelatedPerson: ['active', 'relationship'],
  RiskAssessment: ['date', 'condition', 'risk'],
  ServiceRequest: ['authored', 'category', 'code', 'intent', 'occurrence', 'priority', 'status', 'encounter'],
  Specimen: ['collected', 'status', 'type'],
  Task: ['authored-on', 'code', 'intent', 'modified', 'priority', 'status'],
};

/** `_include` targets within the patient's data; anything wider is refused. */
const INCLUDES: Readonly<Record<string, readonly string[]>> = {
  Appointment: ['practitioner', 'location'],
  Composition: ['author', 'encounter'],
  Condition: ['encounter'],
  DiagnosticReport: ['encounter', 'performer', 'result', 'specimen'],
  DocumentReference: ['author', 'encounter', 'custodian'],
  Encounter: ['location', 'participant', 'practitioner', 'service-provider'],
  Immunization: ['location', 'performer'],
  MedicationRequest: ['encounter', 'medication', 'requester'],
  MedicationStatement: ['medication', 'source'],
  Observation: ['encounter', 'has-member', 'performer', 'specimen'],
  Procedure: ['encounter', 'location', 'performer'],
};

const COMMON = ['_lastUpdated', '_count', '_sort', '_include'] as const;
const MODIFIERS = new Set(['exact', 'contains', 'missing', 'not', 'text']);
const LONGEST_VALUE = 400;

/** The resource types that can be searched by patient, in the order of `$everything`. */
export const SEARCHABLE_TYPES: readonly string[] = Object.keys(PARAMETERS);

/** The largest page that is taken or given. */
export const LARGEST_PAGE = 500;

/** A search without a patient: a type and its parameters, each known and each with a readable value. */
export interface Search {
  readonly type: string;
  /** Decoded names (with modifier) and values, in the order given. */
  readonly parameters: readonly (readonly [name: string, value: string])[];
}

/** The names of the search parameters of `type`, for `metadata` and the help. */
export function searchParametersOf(type: string): readonly string[] {
  return [...(PARAMETERS[type] ?? []), ...COMMON];
}

/**
 * Checks one search against the allow-list.
 *
 * @throws RequestError `unknown-type`, `unknown-parameter`, `bad-parameter`; `detail` names the parameter
 *   only when it is one of ours, so that nothing from outside comes back in an error
 */
export function checkSearch(type: string, parameters: Iterable<readonly [string, string]>): Search {
  const allowed = Object.hasOwn(PARAMETERS, type) ? PARAMETERS[type] : undefined;
  if (allowed === undefined) throw new RequestError('unknown-type');
  const checked: [string, string][] = [];
  for (const [name, value] of parameters) {
    const [plain = '', modifier, ...more] = name.split(':');
    const common = (COMMON as readonly string[]).includes(plain);
    if (!common && !allowed.includes(plain)) throw new RequestError('unknown-parameter');
    if (more.length > 0 || (modifier !== undefined && (common || !MODIFIERS.has(modifier)))) {
      throw new RequestError('unknown-parameter', `modifier of ${plain}`);
    }
    if (!isReadable(type, plain, value, allowed)) throw new RequestError('bad-parameter', plain);
    checked.push([name, value]);
  }
  return { type, parameters: checked };
}

/** Reads `Type?name=value&...` as it travels between brokers. Throws as `checkSearch` does. */
export function parseSearch(text: string): Search {
  const cut = text.indexOf('?');
  const type = cut < 0 ? text : text.slice(0, cut);
  return checkSearch(type, new URLSearchParams(cut < 0 ? '' : text.slice(cut + 1)));
}

/** The text form of a search, `Type?name=value&...`, percent-encoded. */
export function searchText(search: Search): string {
  const query = new URLSearchParams(
    search.parameters.map(([name, value]): [string, string] => [name, value]),
  ).toString();
  return query === '' ? search.type : `${search.type}?${query}`;
}

/** The page size that a search asks for. */
export function countOf(search: Search): number | undefined {
  const count = search.parameters.find(([name]) => name === '_count')?.[1];
  return count === undefined ? undefined : Number(count);
}

/** True when a search chooses by what resources say, so that what it finds none of tells something. */
export function hasContentFilter(search: Search): boolean {
  return search.parameters.some(
    ([name]) => !(COMMON as readonly string[]).includes(name.split(':')[0] ?? ''),
  );
}

/** The one sort rule of a search: its parameter and direction. */
export function sortOf(search: Search): { parameter: string; descending: boolean } | undefined {
  const sort = search.parameters.find(([name]) => name === '_sort')?.[1];
  if (sort === undefined) return undefined;
  return sort.startsWith('-')
    ? { parameter: sort.slice(1), descending: true }
    : { parameter: sort, descending: false };
}

function isReadable(type: string, name: string, value: string, allowed: readonly string[]): boolean {
  if (value.length === 0 || value.length > LONGEST_VALUE || /[\u0000-\u001f\u007f]/.test(value)) return false;
  if (name === '_count')
    return /^\d{1,4}$/.test(value) && Number(value) >= 1 && Number(value) <= LARGEST_PAGE;
  if (name === '_sort') {
    const parameter = value.replace(/^-/, '');
    return (
      parameter === '_lastUpdated' ||
      (allowed.includes(parameter) && sortElement(type, parameter) !== undefined)
    );
  }
  if (name === '_include') {
    const [from, parameter, ...more] = value.split(':');
    return (
      from === type && more.length === 0 && parameter !== undefined && !!INCLUDES[type]?.includes(parameter)
    );
  }
  return true;
}

/** Where the value lies that a date parameter sorts by; the first element that is there counts. */
const SORT_ELEMENTS: Readonly<Record<string, readonly string[]>> = {
  _lastUpdated: ['meta.lastUpdated'],
  'AllergyIntolerance.date': ['recordedDate'],
  'Appointment.date': ['start'],
  'CarePlan.date': ['period.start'],
  'CareTeam.date': ['period.start'],
  'Composition.date': ['date'],
  'Condition.onset-date': ['onsetDateTime', 'onsetPeriod.start'],
  'Condition.recorded-date': ['recordedDate'],
  'Consent.date': ['dateTime'],
  'DiagnosticReport.date': ['effectiveDateTime', 'effectivePeriod.start'],
  'DiagnosticReport.issued': ['issued'],
  'DocumentReference.date': ['date'],
  'Encounter.date': ['period.start'],
  'EpisodeOfCare.date': ['period.start'],
  'FamilyMemberHistory.date': ['date'],
  'Flag.date': ['period.start'],
  'Immunization.date': ['occurrenceDateTime', 'occurrenceString'],
  'List.date': ['date'],
  'MedicationRequest.authoredon': ['authoredOn'],
  'MedicationStatement.effective': ['effectiveDateTime', 'effectivePeriod.start'],
  'Observation.date': ['effectiveDateTime', 'effectivePeriod.start', 'effectiveInstant'],
  'Procedure.date': ['performedDateTime', 'performedPeriod.start'],
  'ServiceRequest.authored': ['authoredOn'],
};

/** The paths (dotted) whose date a sort by `parameter` compares; undefined when it cannot be sorted by here. */
export function sortElement(type: string, parameter: string): readonly string[] | undefined {
  return SORT_ELEMENTS[parameter === '_lastUpdated' ? parameter : `${type}.${parameter}`];
}
