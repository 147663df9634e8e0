import { isDay, ODS_CODE, told, type ReadLine } from './cells.ts';

/** A file whose first line names its columns. */
export interface Headed {
  readonly columns: number;
  readonly cell: (cells: readonly string[], name: string) => string;
}

export function headed(header: readonly string[]): Headed {
  const places = new Map(header.map((name, place) => [name.trim(), place]));
  return {
    columns: header.length,
    cell: (cells, name) => (cells[places.get(name) ?? -1] ?? '').trim(),
  };
}

/** A line of the monthly map of GP practices. */
export function mappedPractice({ cell }: Headed, cells: readonly string[]): ReadLine {
  const code = cell(cells, 'PRACTICE_CODE');
  const subIcb = cell(cells, 'SUB_ICB_LOCATION_CODE');
  const icb = cell(cells, 'ICB_CODE');
  if (!ODS_CODE.test(code)) return `"${code.slice(0, 20)}" is no ODS code`;
  if (subIcb === '') return `${code} has no commissioner (SUB_ICB_LOCATION_CODE)`;
  if (!ODS_CODE.test(subIcb) || !ODS_CODE.test(icb))
    return `the sub-ICB location or ICB of ${code} is no ODS code`;
  return { code, facts: told({ name: cell(cells, 'PRACTICE_NAME'), subIcb, icb }) };
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** The map's EXTRACT_DATE (01Aug2026) as an ISO date; undefined for what is none. */
export function extractDate({ cell }: Headed, cells: readonly string[]): string | undefined {
  const [, day, month, year] = /^(\d{2})([A-Z][a-z]{2})(\d{4})$/.exec(cell(cells, 'EXTRACT_DATE')) ?? [];
  const date = `${year}-${String(MONTHS.indexOf(month ?? '') + 1).padStart(2, '0')}-${day}`;
  return isDay(date) ? date : undefined;
}

/** A line of the NHS website's hospital sites. */
export function hospitalSite({ cell }: Headed, cells: readonly string[]): ReadLine {
  const code = cell(cells, 'OrganisationCode');
  const parent = cell(cells, 'ParentODSCode');
  if (!ODS_CODE.test(code)) return `"${code.slice(0, 20)}" is no ODS code`;
  if (!ODS_CODE.test(parent)) return `the parent of ${code} (ParentODSCode) is no ODS code`;
  return { code, facts: told({ name: cell(cells, 'OrganisationName'), parent }) };
}

/** A line of the names of ICBs: the column of codes is called after its year (ICB24CDH), as that of names is. */
export function namedIcb(year: string): (file: Headed, cells: readonly string[]) => ReadLine {
  return ({ cell }, cells) => {
    const code = cell(cells, `ICB${year}CDH`);
    if (!ODS_CODE.test(code)) return `"${code.slice(0, 20)}" is no ODS code`;
    return { code, facts: told({ name: cell(cells, `ICB${year}NM`) }) };
  };
}
