import type { Counts } from '../whereabouts/import/counts.ts';
import type { Imported } from '../whereabouts/import/import-file.ts';
import type { RowFault } from '../whereabouts/import/row-reader.ts';

/** What is wrong with a line, without the value: it may name a patient. */
const SAYS: Record<RowFault, string> = {
  'not-an-encounter': 'is no FHIR Encounter',
  'not-json': 'is not JSON',
  'too-long': 'is longer than 1 MiB',
  columns: 'has not as many columns as the header',
  quotes: 'has a quotation that does not end in it',
  'nhs-number-missing': 'has no NHS number',
  'nhs-number-wrong': 'has an NHS number that is not valid',
  'organisation-missing': 'names no organisation or site by its ODS code',
  'organisation-wrong': 'has something else in the place of an ODS code',
  'source-wrong': 'names a source in other than lower-case letters, digits and hyphens',
  'date-missing': 'does not say when',
  'date-wrong': 'has no date, as 2026-04-01, where one must be',
  'date-future': 'is of the future',
  'date-too-old': 'is of before 1948',
  'dates-reversed': 'ends before it begins',
};

export function importedLines(file: string, imported: Imported, seconds: number): string[] {
  const { read, notSightings, refused, added, widened, unchanged, resumed } = imported;
  const rate = Math.round(read / Math.max(seconds, 0.001));
  const since = resumed ? ', going on where it was cut short' : ` (${rate}/s)`;
  return [
    `${file}: ${read} lines read in ${seconds.toFixed(1)} s${since}; ${refused} refused.`,
    `Locations: ${added} new, ${widened} widened, ${unchanged} as they were.`,
    ...(notSightings === 0 ? [] : [`${notSightings} Encounters are planned, cancelled or entered in error.`]),
    ...faultLines(file, imported),
  ];
}

export function faultLines(file: string, { faults }: Counts): string[] {
  return Object.entries(faults).map(([fault, { count, lines }]) => {
    const which = `${lines.join(', ')}${count > lines.length ? ', ...' : ''}`;
    return `${file}: ${count} refused (${fault}): each ${SAYS[fault as RowFault]}. Line ${which}`;
  });
}
