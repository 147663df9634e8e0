import type { RollCall } from './all-regions.ts';
import type { PatientReport } from './patient-report.ts';
import { regionSays, whatIsMissing } from './report-roll-call.ts';
import { archivedWords, dateAndTime, spanWords, wordsOf, type Names } from './report-words.ts';

export interface Document {
  readonly report: PatientReport;
  /** Which region's logs it is made from. */
  readonly region: string;
  readonly nhsNumber: string;
  readonly madeAt: number;
  readonly showUsers: boolean;
  /** What every region told, where all were asked; absent: it is one region's report. */
  readonly regions?: RollCall | undefined;
}

const STYLE = `
body { font: 11pt/1.4 sans-serif; color: #111; margin: 2rem; }
table { border-collapse: collapse; width: 100%; }
th, td { border: 1px solid #999; padding: .3rem .5rem; text-align: left; vertical-align: top; overflow-wrap: anywhere; }
th { background: #eee; }
tr { break-inside: avoid; }
.glass, .missing { font-weight: bold; }
@page { size: A4 landscape; margin: 12mm; }
@media print { body { margin: 0; font-size: 9pt; } thead { display: table-header-group; } }
`;

/** A document for the patient: one HTML file by itself, with no script and nothing that is fetched. */
export function reportHtml(document: Document, names: Names): string {
  const { report, region, nhsNumber, madeAt, showUsers, regions } = document;
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
<p>NHS number ${escaped(grouped(nhsNumber))}. Made from the logs of ${escaped(here)}${regions === undefined ? '' : ' and what the other regions told'} on
${escaped(dateAndTime(madeAt))}, for ${escaped(spanWords(report.from, report.to, madeAt))}.</p>
${regions === undefined ? '' : rollCall(regions, names)}
<p>${escaped(introduction(report, regions === undefined ? here : undefined))}</p>
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
<li>It tells what passed through ${regions === undefined ? "this region's broker" : "these regions' brokers"}. What staff saw in their own region's record is in that record's own log.</li>
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

/** Each region by name, before any line: a region that is missing is not one that showed nothing. */
function rollCall(regions: RollCall, names: Names): string {
  const missing = whatIsMissing(regions, names);
  const rows = regions.map((region) => {
    const { name, says, count } = regionSays(region, names);
    return `<tr>${[name, says, count].map((text) => `<td>${escaped(text)}</td>`).join('')}</tr>`;
  });
  return `${missing === undefined ? '' : `<p class="missing">${escaped(missing)}</p>\n`}<h2>Which regions told</h2>
<table>
<thead><tr><th scope="col">Region</th><th scope="col">What it told</th><th scope="col">How much</th></tr></thead>
<tbody>
${rows.join('\n')}
</tbody>
</table>
<h2>Every look that is known</h2>`;
}

/** @param here undefined where several regions told */
function introduction(
  { accesses, notLookedAt }: Pick<PatientReport, 'accesses' | 'notLookedAt'>,
  here: string | undefined,
): string {
  if (accesses.length === 0 && here === undefined)
    return 'No region told of a look at this record in that time.';
  if (accesses.length === 0 && notLookedAt.length > 0)
    return `What was looked at of the logs of ${here} holds no look at this record in that time.`;
  if (accesses.length === 0) return `The logs of ${here} hold no look at this record in that time.`;
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
  lookUps,
  unconfirmed,
  unreadable,
}: Pick<PatientReport, 'numbers' | 'enquiries' | 'lookUps' | 'unconfirmed' | 'unreadable'>): string[] {
  return [
    ...(numbers > 1 ? [`Looked under ${numbers} NHS numbers of the patient.`] : []),
    ...(enquiries.length > 0
      ? [`These logs were themselves searched for this patient ${enquiries.length} times.`]
      : []),
    ...(lookUps.length > 0
      ? [
          `An administrator here looked up where this patient is registered, and which regions would be asked, ${lookUps.length} times. No record was opened for that.`,
        ]
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
