import type { Access } from './access.ts';
import { wordsOf, type Names } from './report-words.ts';

const HEAD = [
  ...['time', 'what', 'organisation', 'role', 'purpose', 'regions', 'resources', 'count', 'break_glass'],
  ...['exchange', 'entries'],
];

/** The report as CSV (RFC 4180), times in UTC (ISO 8601); no cell of it is a formula to a spreadsheet. */
export function reportCsv(accesses: readonly Access[], names: Names, showUsers: boolean): string {
  const rows = accesses.map((access) => {
    const { what, organisation, role, purpose, regions, resources, breakGlass } = wordsOf(access, names);
    return [
      ...[new Date(access.at).toISOString(), what, organisation, role, purpose, regions, resources],
      ...[String(access.count), breakGlass, access.exchange, access.entries.join(' ')],
      ...(showUsers ? [access.user ?? ''] : []),
    ];
  });
  const head = showUsers ? [...HEAD, 'user'] : HEAD;
  return [head, ...rows].map((row) => `${row.map(cell).join(',')}\r\n`).join('');
}

/** What a spreadsheet may take for a formula, also behind white space and in full width (OWASP, "CSV Injection"). */
const FORMULA = /^\s*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]/u;

function cell(text: string): string {
  const clean = text.replaceAll(/\p{C}/gu, ' ');
  const safe = FORMULA.test(clean) ? `'${clean}` : clean;
  return `"${safe.replaceAll('"', '""')}"`;
}
