import { DIRECTORY_KINDS } from '../routing/directory-files/facts.ts';
import type { ImportedChange } from '../routing/plan-directory-import.ts';
import type { PreparedFile } from '../routing/prepare-directory-import.ts';
import { plain } from './subcommand.ts';

const MOST_NOTES = 20;

const DATED_BY = {
  file: 'as it says itself',
  'as-of': 'by --as-of',
  name: 'by its name',
  today: 'today: neither the file, nor its name, nor --as-of says another day',
} as const;

export type Counts = Record<ImportedChange['what'], number>;

export function countsOf({ changes }: Pick<PreparedFile, 'changes'>): Counts {
  const counts: Counts = { new: 0, changed: 0, closed: 0, moved: 0, earlier: 0 };
  for (const { what } of changes) counts[what] += 1;
  return counts;
}

/** What an import made, or would make, of one file. */
export function fileLines(file: PreparedFile): string[] {
  const { read, same, absent } = file;
  const { new: fresh, changed, closed, moved, earlier } = countsOf(file);
  const notes = [...read.refused, ...read.warnings];
  return [
    `${file.file}: ${DIRECTORY_KINDS[read.kind]}, as of ${file.date} (${DATED_BY[file.datedBy]})`,
    `  ${read.organisations.size} organisations: ${fresh} new, ${changed} changed, ${closed} closed, ${moved} moved, ` +
      `${same} as before${earlier === 0 ? '' : `, ${earlier} of the time before what is known`}`,
    ...(absent === 0 ? [] : [`  ${absent} known before are not in it, and stay as they were`]),
    ...(read.refused.length === 0 ? [] : [`  ${read.refused.length} lines refused`]),
    ...notes.slice(0, MOST_NOTES).map(({ line, wrong }) => `  line ${line}: ${plain(wrong)}`),
    ...(notes.length > MOST_NOTES ? [`  and ${notes.length - MOST_NOTES} more (--json has all)`] : []),
  ];
}

/** The same for programs: every refused line. */
export function fileJson(file: PreparedFile): object {
  const { read, same, absent } = file;
  return {
    ...{ file: file.file, kind: read.kind, date: file.date, dated_by: file.datedBy, sha256: file.sha256 },
    ...{
      imported_before: file.isKnown,
      organisations: read.organisations.size,
      ...countsOf(file),
      same,
      absent,
    },
    ...{ refused: read.refused, warnings: read.warnings },
  };
}
