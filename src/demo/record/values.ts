import { isObject } from '../../fhir/resource.ts';
import { dateRange, type Range } from './dates.ts';

/** What the search rules compare, read out of FHIR elements by their shape. */

export interface Token {
  readonly system: string | undefined;
  readonly code: string | undefined;
}

/** The tokens of a code, boolean, Coding, CodeableConcept, Identifier or ContactPoint. */
export function tokensIn(value: unknown): Token[] {
  if (typeof value === 'string' || typeof value === 'boolean')
    return [{ system: undefined, code: String(value) }];
  if (!isObject(value)) return [];
  if (Array.isArray(value['coding'])) return value['coding'].flatMap(tokensIn);
  const code = text(value['code']) ?? text(value['value']);
  const system = text(value['system']);
  return code === undefined && system === undefined ? [] : [{ system, code }];
}

/** The words a person reads beside a code (`:text`). */
export function wordsIn(value: unknown): string[] {
  if (!isObject(value)) return [];
  const codings = Array.isArray(value['coding']) ? value['coding'].flatMap(wordsIn) : [];
  return [text(value['text']), text(value['display']), ...codings].filter((word) => word !== undefined);
}

/** The strings of a string, or of every part of a HumanName, Address or CodeableConcept. */
export function stringsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value)) return value.flatMap(stringsIn);
  if (!isObject(value)) return [];
  const skipped = ['use', 'period', 'system', 'extension', 'id'];
  return Object.entries(value)
    .filter(([name]) => !skipped.includes(name))
    .flatMap(([, part]) => stringsIn(part));
}

/** The stretches of time of a date, dateTime, instant, Period or Timing. */
export function rangesIn(value: unknown): Range[] {
  if (typeof value === 'string') return [dateRange(value)].filter((range) => range !== undefined);
  if (!isObject(value)) return [];
  if (Array.isArray(value['event'])) return value['event'].flatMap(rangesIn);
  if (isObject(value['repeat'])) return rangesIn(value['repeat']['boundsPeriod']);
  const start = dateRange(text(value['start']) ?? '');
  const end = dateRange(text(value['end']) ?? '');
  if (start === undefined && end === undefined) return [];
  return [{ start: start?.start ?? -Infinity, end: end?.end ?? Infinity }];
}

export interface Amount {
  readonly value: number;
  readonly system: string | undefined;
  readonly units: readonly string[];
}

/** The amounts of a number, or of a Quantity, Age, Duration or Money. */
export function amountsIn(value: unknown): Amount[] {
  if (typeof value === 'number') return [{ value, system: undefined, units: [] }];
  if (!isObject(value) || typeof value['value'] !== 'number') return [];
  const units = [text(value['code']), text(value['unit']), text(value['currency'])];
  return [
    {
      value: value['value'],
      system: text(value['system']),
      units: units.filter((unit) => unit !== undefined),
    },
  ];
}

/** The literal text of a Reference or canonical. */
export function referenceIn(value: unknown): string | undefined {
  return isObject(value) ? text(value['reference']) : text(value);
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
