import { isNhsNumber } from '../fhir/nhs-number.ts';

/** A patient as a line of a register says. Times in milliseconds since the epoch. */
export interface RegisteredPatient {
  readonly nhsNumber: string;
  /** ODS code. */
  readonly practice: string;
  readonly from?: number;
  /** The patient is registered here no more. */
  readonly hasLeft: boolean;
}

/** What is wrong with a line, without its values: they may name a patient. */
export interface LineFault {
  readonly wrong: string;
}

const NUMBER = 'nhs_number';
const PRACTICE = 'practice';
const DATE = /^\d{4}-\d{2}-\d{2}$/;

/**
 * The reader for a register's lines, by its header: `nhs_number`, `practice`, and if wanted `from`, `until` (ISO dates).
 * Other columns are not looked at.
 *
 * @param now milliseconds since the epoch: an `until` that is still to come says nothing yet
 * @returns a fault when the header has not the columns
 */
export function registerReader(
  header: string,
  now: number,
): ((line: string) => RegisteredPatient | LineFault) | LineFault {
  const names = cellsOf(header.replace(/^\uFEFF/, ''))?.map((name) => name.toLowerCase()) ?? [];
  if (!names.includes(NUMBER) || !names.includes(PRACTICE)) {
    return { wrong: `the first line must name the columns ${NUMBER} and ${PRACTICE}` };
  }
  if (new Set(names).size < names.length) return { wrong: 'the first line names a column twice' };
  const at = new Map(names.map((name, position) => [name, position]));
  return (line) => {
    const cells = cellsOf(line);
    if (cells === undefined) return { wrong: 'a quotation mark is not closed' };
    if (cells.length !== names.length) return { wrong: `not the ${names.length} columns of the first line` };
    const cell = (name: string): string => cells[at.get(name) ?? -1] ?? '';
    return readCells(cell, now);
  };
}

function readCells(cell: (name: string) => string, now: number): RegisteredPatient | LineFault {
  const nhsNumber = cell(NUMBER).replaceAll(' ', '');
  if (!isNhsNumber(nhsNumber)) return { wrong: `${NUMBER} is not a valid NHS number` };
  const practice = cell(PRACTICE).toUpperCase();
  if (!/^[A-Z0-9]{3,12}$/.test(practice)) return { wrong: `${PRACTICE} is not an ODS code` };
  const [from, until] = [readDate(cell('from')), readDate(cell('until'))];
  if (Number.isNaN(from) || Number.isNaN(until))
    return { wrong: 'from and until must be dates, as 2026-04-01' };
  if (from !== undefined && from > now) return { wrong: 'from is still to come' };
  if (from !== undefined && until !== undefined && until < from) return { wrong: 'until is before from' };
  return {
    ...{ nhsNumber, practice, hasLeft: until !== undefined && until <= now },
    ...(from === undefined ? {} : { from }),
  };
}

function readDate(text: string): number | undefined {
  if (text === '') return undefined;
  const time = DATE.test(text) ? Date.parse(text) : Number.NaN;
  // JavaScript takes 31 February for a day of March.
  return new Date(time || 0).toISOString().startsWith(text) ? time : Number.NaN;
}

/** RFC 4180, one line of it; undefined when a quotation mark is not closed. */
function cellsOf(line: string): string[] | undefined {
  const cells: string[] = [];
  let rest: string | undefined;
  for (const part of line.split(',')) {
    rest = rest === undefined ? part : `${rest},${part}`;
    // A comma between quotation marks is none of the line's.
    if (isOpen(rest)) continue;
    const cell = rest.trim();
    cells.push(cell.startsWith('"') && cell.endsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell);
    rest = undefined;
  }
  return rest === undefined ? cells : undefined;
}

function isOpen(text: string): boolean {
  return text.includes('"') && text.split('"').length % 2 === 0;
}
