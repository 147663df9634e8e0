import { NHS_NUMBER_SYSTEM, isNhsNumber, nhsNumbersOf } from '../fhir/nhs-number.ts';
import { isObject } from '../fhir/resource.ts';

/** One objection as a file says it. Times in milliseconds since the epoch. */
export interface FileObjection {
  readonly nhsNumber: string;
  readonly kind: 'objection' | 'restriction';
  readonly from: number;
  readonly until?: number;
}

export interface FileFault {
  readonly line: number;
  /** What is wrong, without the value: it may name a patient. */
  readonly wrong: string;
}

/**
 * Reads objections from CSV (a header with `nhs_number`, `kind`, and if wanted `from`, `until`) or from FHIR
 * Consent resources (one, a Bundle, or one a line). Nothing is guessed: each entry is read or named as a fault.
 *
 * @param now milliseconds since the epoch, the `from` of an entry that says none
 */
export function readObjections(
  text: string,
  now: number,
): { objections: FileObjection[]; faults: FileFault[] } {
  const trimmed = text.trimStart();
  return trimmed.startsWith('{') || trimmed.startsWith('[') ? readConsents(trimmed, now) : readCsv(text, now);
}

function readCsv(text: string, now: number): { objections: FileObjection[]; faults: FileFault[] } {
  const objections: FileObjection[] = [];
  const faults: FileFault[] = [];
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const header = (lines[0] ?? '').split(',').map((name) => name.trim().toLowerCase());
  const at = (name: string): number => header.indexOf(name);
  if (at('nhs_number') < 0 || at('kind') < 0) {
    return {
      objections,
      faults: [{ line: 1, wrong: 'the first line must name the columns nhs_number and kind' }],
    };
  }
  for (const [position, line] of lines.entries()) {
    if (position === 0 || line.trim() === '') continue;
    const cells = line.split(',').map((cell) => cell.trim().replace(/^"(.*)"$/, '$1'));
    const cell = (name: string): string => cells[at(name)] ?? '';
    const nhsNumber = cell('nhs_number').replaceAll(' ', '');
    const kind = cell('kind');
    const from = readTime(at('from') < 0 ? '' : cell('from'), now);
    const until = readTime(at('until') < 0 ? '' : cell('until'), undefined);
    if (!isNhsNumber(nhsNumber))
      faults.push({ line: position + 1, wrong: 'nhs_number is not a valid NHS number' });
    else if (kind !== 'objection' && kind !== 'restriction') {
      faults.push({ line: position + 1, wrong: 'kind must be objection or restriction' });
    } else if (from === 'wrong' || from === undefined || until === 'wrong') {
      faults.push({ line: position + 1, wrong: 'from and until must be dates, as 2026-04-01' });
    } else objections.push({ nhsNumber, kind, from, ...(until === undefined ? {} : { until }) });
  }
  return { objections, faults };
}

function readTime(text: string, absent: number | undefined): number | undefined | 'wrong' {
  if (text === '') return absent;
  const time = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? 'wrong' : time;
}

function readConsents(text: string, now: number): { objections: FileObjection[]; faults: FileFault[] } {
  const objections: FileObjection[] = [];
  const faults: FileFault[] = [];
  for (const { line, consent } of consentsIn(text)) {
    const read = typeof consent === 'string' ? consent : readConsent(consent, now);
    if (typeof read === 'string') faults.push({ line, wrong: read });
    else if (read !== undefined) objections.push(read);
  }
  return { objections, faults };
}

/** A consent that denies is an objection; one that permits, or is no longer active, says nothing here. */
function readConsent(consent: unknown, now: number): FileObjection | string | undefined {
  if (!isObject(consent) || consent['resourceType'] !== 'Consent') return 'this is no FHIR Consent';
  const provision = isObject(consent['provision']) ? consent['provision'] : {};
  if (consent['status'] !== 'active') return undefined;
  if (provision['type'] === 'permit') return undefined;
  if (provision['type'] !== 'deny') return 'provision.type must be deny or permit';
  const patient = consent['patient'];
  const [nhsNumber] = nhsNumbersOf(isObject(patient) ? [patient['identifier']] : []);
  if (nhsNumber === undefined) return `patient.identifier must be a valid number of ${NHS_NUMBER_SYSTEM}`;
  const period = isObject(provision['period']) ? provision['period'] : {};
  const start = typeof period['start'] === 'string' ? period['start'] : '';
  const end = typeof period['end'] === 'string' ? period['end'] : '';
  const from = readTime(start, now);
  const until = readTime(end, undefined);
  if (from === 'wrong' || from === undefined || until === 'wrong') return 'provision.period must hold dates';
  return { nhsNumber, kind: 'objection', from, ...(until === undefined ? {} : { until }) };
}

function consentsIn(text: string): { line: number; consent: unknown }[] {
  const whole = parse(text);
  if (whole !== undefined) {
    const entries =
      isObject(whole) && Array.isArray(whole['entry']) ? (whole['entry'] as unknown[]) : undefined;
    const list = entries?.map((entry) => (isObject(entry) ? entry['resource'] : undefined)) ?? [whole].flat();
    return list.map((consent, position) => ({ line: position + 1, consent }));
  }
  return text
    .split(/\r?\n/)
    .map((line, position) => ({ line: position + 1, text: line.trim() }))
    .filter((one) => one.text !== '')
    .map((one) => ({ line: one.line, consent: parse(one.text) ?? 'this line is not JSON' }));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
