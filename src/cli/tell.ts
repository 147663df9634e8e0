import { SYSTEM } from '../fhir/codes.ts';
import { isObject, type Bundle, type BundleEntry, type Coding, type Resource } from '../fhir/resource.ts';
import type { Issue } from '../fhir/operation-outcome.ts';

/** The issues of a Bundle's one OperationOutcome, or of an OperationOutcome itself. */
export function issuesIn(resource: Resource): Issue[] {
  if (resource.resourceType === 'OperationOutcome') return resource['issue'] as Issue[];
  const outcome = ((resource as Bundle).entry ?? []).find((entry) => entry.search?.mode === 'outcome');
  return outcome?.resource === undefined ? [] : (outcome.resource['issue'] as Issue[]);
}

/** Outcomes after which a number can be told; any other is a kind of nothing and gets none. */
const COUNTED = new Set(['answered', 'partial', 'none']);

/** The roll-call as a table for a person: region, why, outcome, how many, milliseconds; then every warning. */
export function rollCallLines(issues: readonly Issue[], entries: readonly BundleEntry[]): string[] {
  const rows = issues
    .filter(
      (issue) =>
        issue.severity === 'information' && has(issue, SYSTEM.region) && !has(issue, SYSTEM.careSetting),
    )
    .map((issue) => {
      const region = codesOf(issue, SYSTEM.region)[0] ?? '';
      const outcome = codesOf(issue, SYSTEM.outcome)[0] ?? '';
      const reasons = codesOf(issue, SYSTEM.reason).join(', ');
      const count = !COUNTED.has(outcome)
        ? '-'
        : String(entries.filter((entry) => isFrom(entry, region)).length);
      return [region, reasons, outcome, count, issue.diagnostics ?? '-'];
    });
  const table = columns([['region', 'because', 'outcome', 'found', 'time'], ...rows]);
  const others = issues.filter(
    (issue) => issue.severity !== 'information' || has(issue, SYSTEM.rule) || has(issue, SYSTEM.careSetting),
  );
  return [...table, ...others.map((issue) => `${mark(issue)} ${issue.details.text}`)];
}

/** One line for each entry: date, type, what it is, and where it comes from. */
export function entryLines(entries: readonly BundleEntry[]): string[] {
  const rows = entries
    .filter((entry) => entry.search?.mode === 'match' && entry.resource !== undefined)
    .map(({ resource }) => resource as Resource)
    .map((resource) => [dateOf(resource), resource.resourceType, whatItIs(resource), sourceOf(resource)]);
  return columns(rows);
}

export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

function mark(issue: Issue): string {
  return issue.severity === 'warning' ? '!' : issue.severity === 'error' ? 'X' : ' ';
}

function has(issue: Issue, system: string): boolean {
  return codesOf(issue, system).length > 0;
}

export function codesOf(issue: Issue, system: string): string[] {
  return (issue.details.coding ?? [])
    .filter((coding) => coding.system === system)
    .map(({ code }) => code ?? '');
}

function isFrom(entry: BundleEntry, region: string): boolean {
  return (
    entry.search?.mode !== 'outcome' &&
    tagOf(entry.resource, SYSTEM.region) === region &&
    entry.search?.mode === 'match'
  );
}

function sourceOf(resource: Resource): string {
  return [tagOf(resource, SYSTEM.region), tagOf(resource, SYSTEM.record)]
    .filter((tag) => tag !== undefined)
    .join(' / ');
}

function tagOf(resource: Resource | undefined, system: string): string | undefined {
  return resource?.meta?.tag?.find((tag) => tag.system === system)?.code;
}

const DATES = [
  'recordedDate',
  'authoredOn',
  'effectiveDateTime',
  'occurrenceDateTime',
  'performedDateTime',
  'date',
  'start',
  'created',
  'issued',
  'dateTime',
  'dateAsserted',
  'onsetDateTime',
];

function dateOf(resource: Resource): string {
  const period = resource['period'] ?? resource['performedPeriod'] ?? resource['effectivePeriod'];
  const found = DATES.map((name) => resource[name]).find((value) => typeof value === 'string');
  const date = found ?? (isObject(period) ? period['start'] : undefined);
  return typeof date === 'string' ? date.slice(0, 10) : '';
}

const NAMES = [
  'code',
  'medicationCodeableConcept',
  'vaccineCode',
  'type',
  'title',
  'description',
  'category',
  'class',
];

function whatItIs(resource: Resource): string {
  for (const name of NAMES) {
    const text = textOf(resource[name]);
    if (text !== undefined) return text;
  }
  return String(resource.id ?? '');
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return textOf(value[0]);
  if (!isObject(value)) return undefined;
  if (typeof value['text'] === 'string') return value['text'];
  if (typeof value['display'] === 'string') return value['display'];
  const coding = value['coding'] as Coding[] | undefined;
  return coding?.[0]?.display ?? coding?.[0]?.code;
}
