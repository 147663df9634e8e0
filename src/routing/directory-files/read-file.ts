import { ODS_CODE, organisationsIn } from './cells.ts';
import type { DirectoryKind, DirectoryRead, LineNote } from './facts.ts';
import { extractDate, headed, hospitalSite, mappedPractice, namedIcb, type Headed } from './headed.ts';
import { FileRefused } from './refused.ts';
import { separatedLines, type SeparatedLine } from './separated.ts';
import { textOf } from './text.ts';
import { costCentre, ODS_COLUMNS, organisationOfIcb } from './twenty-seven.ts';

/** An opening or a closing is announced before its day, and counts from then on; but not this long before. */
const MOST_YEARS_AHEAD = 2;
/** How many of a file's lines must look like its kind. */
const MOST_LINES = 0.9;

const WANTED =
  'name epraccur, the monthly map of GP practices, etr, eccg, the hospital sites or the names of ICBs, as they are published';

/**
 * Reads one published file as it is, and tells by what is in it which one it is.
 *
 * @param today an ISO date
 * @throws FileRefused where it is none of them, was cut short, or is of the future: nothing of it is to be taken
 */
export function readDirectoryFile(bytes: Uint8Array, today: string): DirectoryRead {
  if (bytes.length === 0) throw new FileRefused(`it is empty: ${WANTED}`);
  const { text, encoding } = textOf(bytes);
  const read = readText(text, today);
  if (read.date !== undefined && read.date > today) {
    throw new FileRefused(`it says that it shows ${read.date}, which is not yet: fetch it anew`);
  }
  if (read.organisations.size === 0) throw new FileRefused('not one of its lines can be read: fetch it anew');
  if (encoding === 'utf-8') return read;
  const note: LineNote = { line: lineOfFirstByteAbove127(bytes), wrong: 'not UTF-8: read as windows-1252' };
  return { ...read, warnings: [note, ...read.warnings] };
}

function readText(text: string, today: string): DirectoryRead {
  const header = text.slice(0, text.indexOf('\n') + 1).trim();
  const columns = header.split(/[,~]/).map((name) => name.replaceAll('"', ''));
  if (['PRACTICE_CODE', 'SUB_ICB_LOCATION_CODE', 'ICB_CODE'].every((name) => columns.includes(name))) {
    return readMap(separatedLines(text, ','));
  }
  if (['OrganisationCode', 'ParentODSCode'].every((name) => columns.includes(name))) {
    return readHeaded('sites', separatedLines(text, header.includes('~') ? '~' : ','), hospitalSite);
  }
  const year = columns.map((name) => /^ICB(\d{2})CDH$/.exec(name)?.[1]).find((found) => found !== undefined);
  if (year !== undefined) return readHeaded('icbs', separatedLines(text, ','), namedIcb(year));
  const latest = `${Number(today.slice(0, 4)) + MOST_YEARS_AHEAD}${today.slice(4)}`;
  return readWithoutHeader(separatedLines(text, ','), latest);
}

function readMap(lines: readonly SeparatedLine[]): DirectoryRead {
  const read = readHeaded('practice-map', lines, mappedPractice);
  const file = headed(cellsOf(lines[0]));
  const dates = new Set(lines.slice(1).map((line) => extractDate(file, cellsOf(line))));
  const [date] = dates;
  if (dates.size !== 1 || date === undefined) return read;
  return { ...read, date };
}

function readHeaded(
  kind: DirectoryKind,
  [first, ...rest]: readonly SeparatedLine[],
  read: (file: Headed, cells: readonly string[]) => ReturnType<typeof mappedPractice>,
): DirectoryRead {
  const file = headed(cellsOf(first));
  return { kind, ...organisationsIn(rest, file.columns, (cells) => read(file, cells)), warnings: [] };
}

function readWithoutHeader(lines: readonly SeparatedLine[], latest: string): DirectoryRead {
  const kind = kindOf(lines);
  if (kind === undefined) throw new FileRefused(`it is no file that is known here: ${WANTED}`);
  const read = kind === 'cost-centres' ? costCentre : organisationOfIcb;
  return { kind, ...organisationsIn(lines, ODS_COLUMNS, (cells) => read(cells, latest)), warnings: [] };
}

/** By what its columns hold: cost centres have six characters and a status, trusts a type of their own in column 24. */
function kindOf(lines: readonly SeparatedLine[]): DirectoryKind | undefined {
  const rows = lines.map(cellsOf).filter((cells) => cells.length === ODS_COLUMNS);
  const most = Math.max(1, lines.length * MOST_LINES);
  const count = (is: (code: string, cells: readonly string[]) => boolean): number =>
    rows.filter((cells) => ODS_CODE.test(cells[0] ?? '') && is(cells[0] ?? '', cells)).length;
  if (count((code, cells) => code.length === 6 && cells[12] !== '') >= most) return 'cost-centres';
  const without = (code: string, cells: readonly string[]): boolean =>
    (code.length === 3 || code.length === 5) && cells[12] === '' && cells[14] === '';
  if (count((code, cells) => without(code, cells) && /^[A-Z]$/.test(cells[23] ?? '')) >= most)
    return 'trusts';
  const isSubIcbs = count((code, cells) => without(code, cells) && cells[23] === '') >= most;
  return isSubIcbs && rows.some((cells) => /^RO(?:218|31\d)/.test(cells[13] ?? '')) ? 'sub-icbs' : undefined;
}

function cellsOf(line: SeparatedLine | undefined): readonly string[] {
  return line !== undefined && 'cells' in line ? line.cells : [];
}

function lineOfFirstByteAbove127(bytes: Uint8Array): number {
  const first = bytes.findIndex((byte) => byte > 127);
  return bytes.subarray(0, first).reduce((lines, byte) => (byte === 10 ? lines + 1 : lines), 1);
}
