import { dateIn, ODS_CODE, told, type ReadLine } from './cells.ts';
import type { OrganisationFacts, OrganisationStatus } from './facts.ts';

/** The files of the Organisation Data Service without a header: 27 columns, which mean the same in each as far as they are used. */
export const ODS_COLUMNS = 27;

interface OdsLine {
  readonly code: string;
  readonly name: string;
  /** Column 4: the ICB; of a cost centre, only where it lies. */
  readonly icb: string;
  /** Column 10. */
  readonly postcode: string;
  readonly opened: string | undefined;
  readonly closed: string | undefined;
  /** Column 13. */
  readonly status: string;
  /** Column 14: of a cost centre B, allocated to an organisation, or Z; of a sub-ICB location its roles. */
  readonly kind: string;
  /** Column 15. */
  readonly commissioner: string;
  readonly joined: string | undefined;
  readonly left: string | undefined;
  /** Column 26. */
  readonly setting: string;
}

const DATES = [
  [11, 'open'],
  [12, 'close'],
  [16, 'joined'],
  [17, 'left'],
] as const;

/**
 * @param latest the last day that a date may name
 * @returns the line by the names of its columns, or why it is refused
 */
function odsLine(cells: readonly string[], latest: string): OdsLine | string {
  const cell = (column: number): string => (cells[column - 1] ?? '').trim();
  const code = cell(1);
  if (!ODS_CODE.test(code)) return `"${code.slice(0, 20)}" is no ODS code`;
  const bad = DATES.find(([column]) => dateIn(cell(column)) === 'wrong');
  if (bad !== undefined) return `the ${bad[1]} date of ${code} (column ${bad[0]}) is no date as 20260401`;
  const late = DATES.find(([column]) => (dateIn(cell(column)) ?? '') > latest);
  if (late !== undefined) return `the ${late[1]} date of ${code} (column ${late[0]}) is later than ${latest}`;
  const [opened, closed, joined, left] = DATES.map(([column]) => dateIn(cell(column)));
  if (opened !== undefined && closed !== undefined && closed < opened)
    return `${code} closes before it opens`;
  if (cell(2) === '') return `${code} has no name`;
  return {
    ...{ code, name: cell(2), icb: cell(4), postcode: cell(10), opened, closed, status: cell(13) },
    ...{ kind: cell(14), commissioner: cell(15), joined, left, setting: cell(26) },
  };
}

/** Both dialects: until 2025 a letter, since then a word. */
const STATUS: Readonly<Record<string, OrganisationStatus>> = {
  ...{ A: 'open', C: 'closed', D: 'dormant', P: 'proposed' },
  ...{ ACTIVE: 'open', INACTIVE: 'closed', DORMANT: 'dormant', PROPOSED: 'proposed' },
};

/** The prescribing settings of the older dialect, as the roles that the newer one writes. */
const ROLES_OF_SETTING: Readonly<Record<string, string>> = {
  ...{ 0: 'RO72', 1: 'RO87', 2: 'RO80', 3: 'RO80|RO87', 4: 'RO76', 8: 'RO255', 9: 'RO247', 10: 'RO250' },
  ...{ 11: 'RO252', 12: 'RO259', 13: 'RO249', 14: 'RO246', 16: 'RO260', 17: 'RO257', 18: 'RO256' },
  ...{ 19: 'RO251', 20: 'RO248', 22: 'RO258', 25: 'RO82', 26: 'RO321', 27: 'RO323' },
};

const ISLANDS = /^(?:IM|GY|JE)\d/;
const ISLAND_CODES = /^(?:ALD|GUE|JER)\d{3}$/;

/** A line of epraccur. A cost centre that is allocated to nobody, and that does not say that it is so, is refused. */
export function costCentre(cells: readonly string[], latest: string): ReadLine {
  const line = odsLine(cells, latest);
  if (typeof line === 'string') return line;
  const { code, name, opened, closed, joined, left, commissioner } = line;
  const status = STATUS[line.status];
  if (status === undefined)
    return `the status of ${code} (column 13), "${line.status.slice(0, 20)}", is not known`;
  if (commissioner !== '' && !ODS_CODE.test(commissioner))
    return `the commissioner of ${code} (column 15) is no ODS code`;
  if (commissioner === '' && line.kind !== 'Z') return `${code} has no commissioner (column 15)`;
  const setting = ROLES_OF_SETTING[line.setting] ?? line.setting;
  if (setting !== '' && !/^RO\d+(?:\|RO\d+)*$/.test(setting))
    return `the setting of ${code} (column 26) is not known`;
  const roles = setting === '' ? undefined : setting.split('|');
  const crownDependency =
    commissioner === '' && (ISLANDS.test(line.postcode) || ISLAND_CODES.test(code)) ? true : undefined;
  const facts = { name, status, subIcb: commissioner, roles, crownDependency, opened, closed, joined, left };
  return { code, facts: told(facts) as OrganisationFacts };
}

/** A line of etr, or with roles of eccg: the organisation and its ICB, which some have not. */
export function organisationOfIcb(cells: readonly string[], latest: string): ReadLine {
  const line = odsLine(cells, latest);
  if (typeof line === 'string') return line;
  const { code, name, icb, opened, closed } = line;
  if (icb !== '' && !ODS_CODE.test(icb)) return `the ICB of ${code} (column 4) is no ODS code`;
  const roles = line.kind === '' ? undefined : line.kind.split('|');
  return { code, facts: told({ name, icb, roles, opened, closed }) as OrganisationFacts };
}
