import type { LineNote, OrganisationFacts } from './facts.ts';
import type { SeparatedLine } from './separated.ts';

/** What a reader makes of a line: its organisation, or why it is refused. */
export type ReadLine = { readonly code: string; readonly facts: OrganisationFacts } | string;

export const ODS_CODE = /^[A-Z0-9]{3,9}$/;

/**
 * Reads the lines of a file one by one.
 *
 * @param columns how many each line must have
 */
export function organisationsIn(
  lines: readonly SeparatedLine[],
  columns: number,
  read: (cells: readonly string[]) => ReadLine,
): { organisations: Map<string, OrganisationFacts>; refused: LineNote[] } {
  const organisations = new Map<string, OrganisationFacts>();
  const refused: LineNote[] = [];
  const firstLines = new Map<string, number>();
  for (const one of lines) {
    const found = lineOf(one, columns, read);
    const before = typeof found === 'string' ? undefined : firstLines.get(found.code);
    if (typeof found === 'string') refused.push({ line: one.line, wrong: found });
    else if (before !== undefined) {
      refused.push({ line: one.line, wrong: `${found.code} is on line ${before} already, which counts` });
    } else {
      firstLines.set(found.code, one.line);
      organisations.set(found.code, found.facts);
    }
  }
  return { organisations, refused };
}

function lineOf(one: SeparatedLine, columns: number, read: (cells: readonly string[]) => ReadLine): ReadLine {
  if ('wrong' in one) return one.wrong;
  const { length } = one.cells;
  return length === columns ? read(one.cells) : `it has ${length} columns, not ${columns}`;
}

/** A date as the files have it (yyyymmdd), as ISO has it; undefined for none; `wrong` for what is no day. */
export function dateIn(text: string): string | undefined {
  if (text === '') return undefined;
  const [, year, month, day] = /^(\d{4})(\d{2})(\d{2})$/.exec(text) ?? [];
  return isDay(`${year}-${month}-${day}`) ? `${year}-${month}-${day}` : 'wrong';
}

/** Whether it is an ISO date, of a day that there is. */
export function isDay(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const time = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

/** The same without members that are undefined, so that equal facts are equal as JSON too. */
export function told<Facts extends object>(facts: Facts): Facts {
  return Object.fromEntries(
    Object.entries(facts).filter(([, value]) => value !== undefined && value !== ''),
  ) as Facts;
}
