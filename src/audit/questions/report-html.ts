import type { PatientReport } from './patient-report.ts';
import { archivedWords, dateAndTime, spanWords, wordsOf, type Names } from './report-words.ts';

export interface Document {
  readonly report: PatientReport;
  /** Which region's logs it is made from. */
  readonly region: string;
  readonly nhsNumber: string;
  readonly madeAt: number;
  readonly showUsers: boolean;
}

const STYLE = `
body { font: 11pt/1.4 sans-serif; color: #111; margin: 2rem; }
table { border-collapse: collapse; width: 100%; }
th, td { border: 1px solid #999; padding: .3rem .5rem; text-align: left; vertical-align: top; overflow-wrap: anywhere; }
th { background: #eee; }
tr { break-inside: avoid; }
.glass { font-weight: bold; }
@page { size: A4 landscape; margin: 12mm; }
@media print { body { margin: 0; font-size: 9pt; } thead { display: table-header-group; } }
`;

/** A document for the patient: one HTML file by itself, with no script and nothing that is fetched. */
export function reportHtml({ report, region, nhsNumber, madeAt, showUsers }: Document, names: Names): string {
  const here = names.region(region);
  const heads = [
    ...['When', 'What happened', 'Organisation', 'Role', 'Purpose', 'Regions', 'What', 'Emergency access'],
    ...(showUsers ? ['User'] : []),
  ];
  return `<!doctype html>
<html lang="en-GB">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Who saw this record</title>
<style>${STYLE}</style>
</head>
<body>
<h1>Who saw this record</h1>
<p>NHS number ${escaped(grouped(nhsNumber))}. Made from the logs of ${escaped(here)} on ${escaped(dateAndTime(madeAt))},
for ${escaped(spanWords(report.from, report.to, madeAt))}.</p>
<p>${escaped(introduction(report, here))}</p>
${report.notLookedAt.map((part) => `<p class="glass">${escaped(archivedWords(part))}</p>`).join('\n')}
<table>
<thead><tr>${heads.map((head) => `<th scope="col">${head}</th>`).join('')}</tr></thead>
<tbody>
${rows(report, names, showUsers)}
</tbody>
</table>
<h2>How to read this</h2>
<ul>
<li>Each line is one look at a screen, or one question from another region.</li>
<li>It tells what passed through this region's broker. What staff saw in their own region's record is in that record's own log.</li>
<li>“Was not reached” and “withheld” do not say whether that region holds anything.</li>
<li>Emergency access means that somebody said it was an emergency, and gave the reason that is written here.</li>
${notes(report)
  .map((note) => `<li>${escaped(note)}</li>`)
  .join('\n')}
</ul>
</body>
</html>
`;
}

function introduction({ accesses, notLookedAt }: PatientReport, here: string): string {
  if (accesses.length === 0) {
    const where = notLookedAt.length === 0 ? 'The logs' : 'What was looked at of the logs';
    return `${where} of ${here} hold${notLookedAt.length === 0 ? '' : 's'} no look at this record in that time.`;
  }
  const glass = accesses.filter(({ breakGlass }) => breakGlass !== undefined).length;
  const looks = accesses.length === 1 ? 'one look' : `${accesses.length} looks`;
  return `${looks[0]?.toUpperCase()}${looks.slice(1)} at this record, ${glass === 0 ? 'none' : glass} of them as emergency access.`;
}

function rows({ accesses }: PatientReport, names: Names, showUsers: boolean): string {
  return accesses
    .map((access) => {
      const { when, what, organisation, role, purpose, regions, resources, breakGlass } = wordsOf(
        access,
        names,
      );
      const cells = [when, what, organisation, role, purpose, regions, resources].map(
        (text) => `<td>${escaped(text)}</td>`,
      );
      const mark = access.breakGlass === undefined ? '' : ' class="glass"';
      const user = showUsers ? `<td>${escaped(access.user ?? 'Not known')}</td>` : '';
      return `<tr>${cells.join('')}<td${mark}>${escaped(breakGlass)}</td>${user}</tr>`;
    })
    .join('\n');
}

/** What a reader must know beside the lines, in every form of the report. */
export function notes({
  numbers,
  enquiries,
  unconfirmed,
  unreadable,
}: Pick<PatientReport, 'numbers' | 'enquiries' | 'unconfirmed' | 'unreadable'>): string[] {
  return [
    ...(numbers > 1 ? [`Looked under ${numbers} NHS numbers of the patient.`] : []),
    ...(enquiries.length > 0
      ? [`These logs were themselves searched for this patient ${enquiries.length} times.`]
      : []),
    ...(unreadable > 0
      ? [
          `${unreadable} entries about this patient are broken and cannot be read; what they say is not in this report.`,
        ]
      : []),
    ...(unconfirmed > 0
      ? [
          `${unconfirmed} entries bear another NHS number that a neighbour says was this patient's; what is kept under that number is not in this report.`,
        ]
      : []),
  ];
}

function grouped(nhsNumber: string): string {
  return nhsNumber.replace(/^(\d{3})(\d{3})(\d{4})$/, '$1 $2 $3');
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text for HTML, in an element or in a quoted attribute; what steers the display is made visible. */
function escaped(text: string): string {
  return text.replaceAll(/\p{C}/gu, '\u{FFFD}').replaceAll(/[&<>"']/g, (sign) => ENTITIES[sign] ?? '');
}
