import { RequestError } from '../errors.ts';
import { LONGEST_SEARCH } from '../evidence/claims.ts';
import { fromNhsNumberToken, isNhsNumber } from '../fhir/nhs-number.ts';
import { checkSearch, searchText, SEARCHABLE_TYPES, type Search } from '../fhir/search-parameters.ts';

/** Whom a question is about: by NHS number, or as one region's record knows the patient. */
export type PatientRef =
  | { readonly kind: 'nhs-number'; readonly nhsNumber: string }
  | { readonly kind: 'regional'; readonly region: string; readonly record: string; readonly id: string };

/** How the viewer wants the answer shaped, after every check. */
export interface Shape {
  readonly elements: readonly string[] | undefined;
  readonly countOnly: boolean;
}

/** One viewer question, parsed once at the door. */
export interface SearchQuestion {
  readonly patient: PatientRef;
  readonly searches: readonly Search[];
  /** The index Patient is made of the answer. */
  readonly index: boolean;
  /** What the resources refer to directly, and is about no patient, is wanted with them. */
  readonly referenced?: true;
  readonly shape: Shape;
}

const PATIENT_NAMES = new Set(['patient', 'subject', 'patient.identifier', 'subject.identifier']);
const MOST_PARAMETERS = 40;
/** FHIR R4 `instant`, or a date that begins one. */
const INSTANT = /^\d{4}(-\d{2}(-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})?)?)?)?$/;

/**
 * Parses `{type}?patient=...`. Exactly one patient; everything else is checked against the allow-list.
 *
 * @param base the viewer's service base, so that references may come as URLs
 * @throws RequestError
 */
export function parseTypeSearch(type: string, parameters: URLSearchParams, base: string): SearchQuestion {
  const { shape, rest } = takeShape(parameters);
  if (type === 'Patient') return parsePatientSearch(rest, shape);
  if (!SEARCHABLE_TYPES.includes(type)) throw new RequestError('unknown-type');
  const named = rest.filter(([name]) => PATIENT_NAMES.has(name));
  const [first, ...others] = named;
  if (first === undefined) throw new RequestError('patient-missing');
  if (others.length > 0) throw new RequestError('bad-parameter', 'more than one patient');
  const own = rest.filter(([name]) => !PATIENT_NAMES.has(name));
  return {
    patient: readPatient(first[0], first[1], base),
    searches: [checkedSearch(type, own)],
    index: false,
    shape,
  };
}

/** `Patient?identifier=system|nhs-number`: the index Patient. */
function parsePatientSearch(parameters: readonly [string, string][], shape: Shape): SearchQuestion {
  const [first, ...others] = parameters.filter(([name]) => name === 'identifier' || name === '_id');
  if (first === undefined) throw new RequestError('patient-missing');
  if (others.length > 0) throw new RequestError('bad-parameter', 'more than one patient');
  const own = parameters.filter(([name]) => name !== 'identifier' && name !== '_id');
  const nhsNumber = first[0] === '_id' ? first[1] : (fromNhsNumberToken(first[1]) ?? 'invalid');
  return { ...patientIndex(nhsNumber), searches: [checkedSearch('Patient', own)], shape };
}

/** `Patient/{id}`. @throws RequestError `bad-nhs-number` */
export function patientIndex(nhsNumber: string): SearchQuestion {
  return {
    patient: { kind: 'nhs-number', nhsNumber: checkedNumber(nhsNumber) },
    searches: [checkSearch('Patient', [])],
    index: true,
    shape: { elements: undefined, countOnly: false },
  };
}

/** `Patient/{id}/$everything`, with `_count`, `_type` (a list, or repeated) and `_since` (FHIR R4 operation). */
export function parseEverything(id: string, parameters: URLSearchParams): SearchQuestion {
  const { shape, rest } = takeShape(parameters);
  const common = new Map<string, string>();
  const types: string[] = [];
  for (const [name, value] of rest) {
    const passed = name === '_since' ? '_lastUpdated' : name;
    if (common.has(passed)) throw new RequestError('bad-parameter', `${name} twice`);
    if (name === '_type') types.push(...value.split(','));
    else if (name === '_since' && INSTANT.test(value)) common.set(passed, `ge${value}`);
    else if (name === '_since') throw new RequestError('bad-parameter', name);
    else if (name === '_count') common.set(passed, value);
    else throw new RequestError('unknown-parameter');
  }
  const unknown = types.find((type) => !SEARCHABLE_TYPES.includes(type));
  if (unknown !== undefined) throw new RequestError('unknown-type');
  const asked = types.length === 0 ? SEARCHABLE_TYPES : [...new Set(types)];
  return {
    patient: { kind: 'nhs-number', nhsNumber: checkedNumber(id) },
    searches: asked.map((type) => checkedSearch(type, [...common])),
    index: false,
    // `_type` names all that is wanted, and a count is of the patient's own resources.
    ...(types.length === 0 && !shape.countOnly ? { referenced: true } : {}),
    shape,
  };
}

/** A search that a query can carry. @throws RequestError `search-too-long`, and as `checkSearch` does */
function checkedSearch(type: string, parameters: readonly [string, string][]): Search {
  const search = checkSearch(type, parameters);
  if (searchText(search).length > LONGEST_SEARCH) throw new RequestError('search-too-long');
  return search;
}

/** `patient=` as id, reference or URL; `patient.identifier=` as `system|value`. @throws RequestError `bad-nhs-number` */
export function readPatient(name: string, value: string, base: string): PatientRef {
  if (name.endsWith('.identifier')) {
    return { kind: 'nhs-number', nhsNumber: checkedNumber(fromNhsNumberToken(value) ?? '') };
  }
  const regional = regionalPatient(value, base);
  if (regional !== undefined) return regional;
  const own = value.startsWith(`${base}/fhir/`) ? value.slice(`${base}/fhir/`.length) : value;
  const id = own.startsWith('Patient/') ? own.slice('Patient/'.length) : own;
  return { kind: 'nhs-number', nhsNumber: checkedNumber(id) };
}

const REGIONAL = /^\/regions\/([a-z0-9-]{1,63})\/([a-z0-9-]{1,63})\/fhir\/Patient\/([A-Za-z0-9.-]{1,64})$/;

function regionalPatient(value: string, base: string): PatientRef | undefined {
  const found = value.startsWith(base) ? REGIONAL.exec(value.slice(base.length)) : null;
  if (!found?.[1] || !found[2] || !found[3]) return undefined;
  return { kind: 'regional', region: found[1], record: found[2], id: found[3] };
}

function checkedNumber(text: string): string {
  const plain = text.replaceAll(' ', '');
  if (!isNhsNumber(plain)) throw new RequestError('bad-nhs-number');
  return plain;
}

/** `_elements` and `_summary` are ours to apply; `_format` must be JSON; the rest goes on. */
function takeShape(parameters: URLSearchParams): { shape: Shape; rest: [string, string][] } {
  const all = [...parameters];
  if (all.length > MOST_PARAMETERS) throw new RequestError('bad-request', 'too many parameters');
  const shape = { elements: undefined as string[] | undefined, countOnly: false };
  const rest: [string, string][] = [];
  for (const [name, value] of all) {
    if (name === '_elements') shape.elements = readElements(value);
    else if (name === '_summary') shape.countOnly = readSummary(value);
    else if (name === '_format') checkFormat(value);
    else rest.push([name, value]);
  }
  return { shape, rest };
}

function readElements(value: string): string[] {
  const elements = value.split(',');
  if (elements.length > 50 || elements.some((name) => !/^[A-Za-z]{1,64}$/.test(name))) {
    throw new RequestError('bad-parameter', '_elements');
  }
  return elements;
}

function readSummary(value: string): boolean {
  if (value !== 'count' && value !== 'false') throw new RequestError('bad-parameter', '_summary');
  return value === 'count';
}

/** @throws RequestError `not-acceptable` */
export function checkFormat(value: string): void {
  if (!['json', 'application/json', 'application/fhir+json'].includes(value)) {
    throw new RequestError('not-acceptable');
  }
}
