import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** The published files, where they lie beside the project. */
const PUBLISHED = resolve(import.meta.dirname, '../../../shared/data/ods');

/** The directory of the published files; undefined where they are not there. */
export const odsFiles: string | undefined = existsSync(PUBLISHED) ? PUBLISHED : undefined;

export function odsFile(name: string): Uint8Array {
  return readFileSync(join(odsFiles ?? '', name));
}

interface CostCentre {
  readonly code: string;
  readonly name?: string;
  readonly icb?: string;
  readonly postcode?: string;
  readonly opened?: string;
  readonly closed?: string;
  readonly status?: string;
  readonly kind?: string;
  readonly commissioner?: string;
  readonly joined?: string;
  readonly setting?: string;
}

/** A line as epraccur has it, with a line's end. */
export function costCentreLine(given: CostCentre, end = '\r\n'): string {
  const { code, name = `PRACTICE ${code}`, icb = 'QM7', postcode = 'CM18 6LY', opened = '19740401' } = given;
  const { closed = '', status = 'ACTIVE', kind = 'B', commissioner = '07H', setting = 'RO76' } = given;
  const { joined = '20130401' } = given;
  const cells = [
    ...[code, name, 'Y61', icb, 'A STREET', '', '', 'HARLOW', '', postcode, opened, closed, status, kind],
    ...[commissioner, joined, closed, '01279 000000', '', '', '', '1', '', commissioner, '', setting, ''],
  ];
  return `${quoted(cells)}${end}`;
}

/** A line as etr (with a type in column 24) or eccg (with roles in column 14) has it. */
export function icbLine(
  code: string,
  icb: string,
  more: { closed?: string; type?: string; roles?: string } = {},
): string {
  const { closed = '', type = '', roles = '' } = more;
  const cells = [
    code,
    `ORGANISATION ${code}`,
    'Y61',
    icb,
    ...Array<string>(6).fill(''),
    '19950401',
    closed,
    '',
    roles,
  ];
  return `${quoted([...cells, ...Array<string>(7).fill(''), '1', '', type, '', '', ''])}\r\n`;
}

const quoted = (cells: readonly string[]): string =>
  cells.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(',');

const MAP_HEADER =
  'PUBLICATION,EXTRACT_DATE,PRACTICE_CODE,PRACTICE_NAME,SUB_ICB_LOCATION_CODE,SUB_ICB_LOCATION_NAME,ICB_CODE,SUPPLIER_NAME';

/** The monthly map of GP practices: code, sub-ICB location, ICB. */
export function practiceMap(rows: readonly [string, string, string][], date = '01Aug2026'): string {
  const lines = rows.map(([code, subIcb, icb]) =>
    [`GP_PRAC_PAT_LIST,${date},${code}`, `"SMITH, ""JO"" AND CO",${subIcb},NHS ${subIcb},${icb},TPP`].join(
      ',',
    ),
  );
  return [MAP_HEADER, ...lines, ''].join('\r\n');
}

export const SITES_HEADER =
  'OrganisationID~OrganisationCode~OrganisationType~OrganisationName~Postcode~ParentODSCode~ParentName';
