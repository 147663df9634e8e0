import { csvReader, type CsvFault } from '../../routing/care-locations-csv.ts';
import { readEncounter } from '../../routing/encounter.ts';
import type { SeenTimes } from '../../routing/sighting-times.ts';

/** What one line of a file says. */
export interface Row extends SeenTimes {
  readonly nhsNumber: string;
  readonly organisations: readonly string[];
  /** Empty where the line names none. */
  readonly source: string;
}

export type RowFault = CsvFault | 'not-json' | 'too-long';
export type RowReader = (line: string, now: number) => Row | 'not-a-sighting' | RowFault;

export type FileKind = 'csv' | 'encounters';

/**
 * What kind of file begins with this line, and how its lines are read; undefined for neither: a CSV has a header with the
 * columns' names, a file of Encounters begins with a brace.
 */
export function rowReader(firstLine: string): { kind: FileKind; read: RowReader } | undefined {
  if (
    firstLine
      .replace(/^\uFEFF/, '')
      .trimStart()
      .startsWith('{')
  ) {
    return { kind: 'encounters', read: encounterRow };
  }
  const cells = csvReader(firstLine);
  if (cells === undefined) return undefined;
  return {
    kind: 'csv',
    read: (line, now) => {
      const read = cells(line, now);
      if (typeof read === 'string') return read;
      const { nhsNumber, organisation, source, firstSeen, lastSeen } = read;
      return { nhsNumber, organisations: [organisation], source, firstSeen, lastSeen };
    },
  };
}

function encounterRow(line: string, now: number): Row | 'not-a-sighting' | RowFault {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line.replace(/^\uFEFF/, ''));
  } catch {
    return 'not-json';
  }
  const read = readEncounter(parsed, now);
  if (typeof read === 'string') return read;
  const { subject, organisations, firstSeen, lastSeen } = read;
  // A file has no server that a reference could be followed to.
  if (!('nhsNumber' in subject)) return 'nhs-number-missing';
  return { nhsNumber: subject.nhsNumber, organisations, source: '', firstSeen, lastSeen };
}
