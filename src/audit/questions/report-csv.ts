import type { Access } from './access.ts';
import type { AllRegions } from './all-regions.ts';
import type { PatientReport } from './patient-report.ts';
import { regionSays } from './report-roll-call.ts';
import { archivedWords, wordsOf, type Names } from './report-words.ts';

const HEAD = [
  ...['time', 'what', 'organisation', 'role', 'purpose', 'regions', 'resources', 'count', 'break_glass'],
  ...['exchange', 'entries'],
];

/**
 * The report as CSV (RFC 4180), times in UTC (ISO 8601); no cell of it is a formula to a spreadsheet. What was not
 * looked at is a row of its own, before those that it would come before.
 */
export function reportCsv(
  { accesses, notLookedAt }: Pick<PatientReport, 'accesses' | 'notLookedAt'>,
  names: Names,
  showUsers: boolean,
): string {
  const head = headOf(showUsers);
  const missing = missingRows(notLookedAt, head.length);
  return table([head, ...missing, ...accesses.map((access) => rowOf(access, names, showUsers))]);
}

/**
 * The report over all regions. The first column says what a row is: `region`, one for every region of the federation
 * with what became of asking it, `archived`, what of our own logs was not looked at, or `access`. So a region that is
 * missing is in the table, and is not taken for one that showed nothing.
 */
export function allRegionsCsv(
  { accesses, regions }: AllRegions,
  notLookedAt: PatientReport['notLookedAt'],
  names: Names,
  showUsers: boolean,
): string {
  const head = ['row', 'region', 'outcome', ...headOf(showUsers)];
  const roll = regions.map((region) => {
    const row = ['region', region.region, region.outcome, '', regionSays(region, names).says];
    return [...row, ...Array<string>(head.length - row.length).fill('')];
  });
  const [home] = regions;
  const missing = missingRows(notLookedAt, head.length - 3);
  const archived = missing.map((row) => ['archived', home?.region ?? '', '', ...row]);
  const rows = accesses.map((access) => ['access', access.where, '', ...rowOf(access, names, showUsers)]);
  return table([head, ...roll, ...archived, ...rows]);
}

function missingRows(notLookedAt: PatientReport['notLookedAt'], width: number): string[][] {
  return notLookedAt.map((part) => {
    const row = [new Date(part.oldest).toISOString(), archivedWords(part)];
    return [...row, ...Array<string>(width - row.length).fill('')];
  });
}

function headOf(showUsers: boolean): string[] {
  return showUsers ? [...HEAD, 'user'] : HEAD;
}

function rowOf(access: Access, names: Names, showUsers: boolean): string[] {
  const { what, organisation, role, purpose, regions, resources, breakGlass } = wordsOf(access, names);
  return [
    ...[new Date(access.at).toISOString(), what, organisation, role, purpose, regions, resources],
    ...[String(access.count), breakGlass, access.exchange, access.entries.join(' ')],
    ...(showUsers ? [access.user ?? ''] : []),
  ];
}

function table(rows: readonly (readonly string[])[]): string {
  return rows.map((row) => `${row.map(cell).join(',')}\r\n`).join('');
}

/** What a spreadsheet may take for a formula, also behind white space and in full width (OWASP, "CSV Injection"). */
const FORMULA = /^\s*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]/u;

function cell(text: string): string {
  const clean = text.replaceAll(/\p{C}/gu, ' ');
  const safe = FORMULA.test(clean) ? `'${clean}` : clean;
  return `"${safe.replaceAll('"', '""')}"`;
}
