import { isNhsNumber } from '../fhir/nhs-number.ts';
import { isOdsCode, type EncounterFault } from './encounter.ts';
import { seenTimes, type SeenTimes } from './sighting-times.ts';

/** One line of a file. */
export interface CsvSighting extends SeenTimes {
  readonly nhsNumber: string;
  readonly organisation: string;
  /** As the line says; empty where it does not. */
  readonly source: string;
}

export type CsvFault = EncounterFault | 'columns' | 'quotes' | 'source-wrong';

const SOURCE = /^[a-z0-9][a-z0-9-]{0,62}$/;

export function isSource(text: string): boolean {
  return SOURCE.test(text);
}

/**
 * Reads lines of a CSV by its header: `nhs_number`, `organisation`, `first_seen`, and if wanted `last_seen` and `source`, in any
 * order, beside others.
 *
 * @returns undefined when the header lacks one of them
 */
export function csvReader(
  header: string,
): ((line: string, now: number) => CsvSighting | CsvFault) | undefined {
  const names = cellsOf(header.replace(/^\uFEFF/, ''))?.map((name) => name.trim().toLowerCase()) ?? [];
  const [number, organisation, first, last, source] = [
    ...['nhs_number', 'organisation', 'first_seen', 'last_seen', 'source'].map((name) => names.indexOf(name)),
  ] as [number, number, number, number, number];
  if (number < 0 || organisation < 0 || first < 0) return undefined;
  return (line, now) => {
    const cells = cellsOf(line);
    if (cells === undefined) return 'quotes';
    if (cells.length !== names.length) return 'columns';
    const cell = (column: number): string => (cells[column] ?? '').trim();
    const nhsNumber = withoutSpaces(cell(number));
    if (nhsNumber === '') return 'nhs-number-missing';
    if (!isNhsNumber(nhsNumber)) return 'nhs-number-wrong';
    const code = cell(organisation);
    if (code === '') return 'organisation-missing';
    if (!isOdsCode(code)) return 'organisation-wrong';
    const said = cell(source);
    if (said !== '' && !isSource(said)) return 'source-wrong';
    const times = seenTimes(cell(first), cell(last), now);
    if (typeof times === 'string') return times;
    return {
      nhsNumber,
      organisation: code,
      source: said,
      firstSeen: times.firstSeen,
      lastSeen: times.lastSeen,
    };
  };
}

/** RFC 4180 within one line; undefined where a quotation does not end in it. */
function cellsOf(line: string): string[] | undefined {
  if (!line.includes('"')) return line.split(',');
  const cells: string[] = [];
  for (let at = 0; at <= line.length;) {
    if (line[at] !== '"') {
      const end = line.indexOf(',', at);
      cells.push(line.slice(at, end < 0 ? line.length : end));
      at = end < 0 ? line.length + 1 : end + 1;
      continue;
    }
    const quoted = /"((?:[^"]|"")*)"(?:,|$)/y;
    quoted.lastIndex = at;
    const found = quoted.exec(line);
    if (found === null) return undefined;
    cells.push((found[1] ?? '').replaceAll('""', '"'));
    at = found[0].endsWith(',') ? quoted.lastIndex : line.length + 1;
  }
  return cells;
}

/** Shown 3-3-4, stored without. */
function withoutSpaces(text: string): string {
  return text.length === 10 ? text : text.replaceAll(' ', '');
}
