import type { PatientReport } from './patient-report.ts';
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
  const missing = notLookedAt.map((part) => [new Date(part.oldest).toISOString(), archivedWords(part)]);
  const rows = accesses.map((access) => {
    const { what, organisation, role, purpose, regions, resources, breakGlass } = wordsOf(access, names);
    return [
      ...[new Date(access.at).toISOString(), what, organisation, role, purpose, regions, resources],
      ...[String(access.count), breakGlass, access.exchange, access.entries.join(' ')],
      ...(showUsers ? [access.user ?? ''] : []),
    ];
  });
  const head = showUsers ? [...HEAD, 'user'] : HEAD;
  const whole = missing.map((row) => [...row, ...Array<string>(head.length - row.length).fill('')]);
  return [head, ...whole, ...rows].map((row) => `${row.map(cell).join(',')}\r\n`).join('');
}

/** What a spreadsheet may take for a formula, also behind white space and in full width (OWASP, "CSV Injection"). */
const FORMULA = /^\s*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]/u;

function cell(text: string): string {
  const clean = text.replaceAll(/\p{C}/gu, ' ');
  const safe = FORMULA.test(clean) ? `'${clean}` : clean;
  return `"${safe.replaceAll('"', '""')}"`;
}
