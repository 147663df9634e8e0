import { createHash } from 'node:crypto';

import type { DirectoryChange, DirectoryImport, StoredDirectory } from '../store/contracts.ts';
import type { Directory } from './directory.ts';
import { isDay } from './directory-files/cells.ts';
import type { DirectoryRead } from './directory-files/facts.ts';
import { readDirectoryFile } from './directory-files/read-file.ts';
import { FileRefused } from './directory-files/refused.ts';
import { DirectoryDraft, type PlannedImport } from './plan-directory-import.ts';

export interface GivenFile {
  /** Its name, without a directory. */
  readonly file: string;
  readonly bytes: Uint8Array;
}

/** Where the day that a file shows is known from. */
export type DatedBy = 'file' | 'as-of' | 'name' | 'today';

export interface PreparedFile extends Omit<PlannedImport, 'change'> {
  readonly file: string;
  readonly read: DirectoryRead;
  /** ISO date. */
  readonly date: string;
  readonly datedBy: DatedBy;
  readonly sha256: string;
  /** It was imported before, for the same day: it changes nothing. */
  readonly isKnown: boolean;
}

export interface PreparedImport {
  /** Oldest first. */
  readonly files: readonly PreparedFile[];
  readonly change: DirectoryChange;
  /** The directory as it would be. */
  readonly after: StoredDirectory;
}

/** A file as it was read, with the day that it shows. */
export type DatedFile = Pick<PreparedFile, 'file' | 'read' | 'date' | 'datedBy' | 'sha256'>;

/**
 * Reads a published file and finds out which day it shows: it says so itself, or it is told (`asOf`), or its name does
 * (`epraccur_2026-02.csv`: the first of that month), or it is today.
 *
 * @param today ISO date
 * @throws FileRefused
 */
export function datedFile({ file, bytes }: GivenFile, asOf: string | undefined, today: string): DatedFile {
  const read = readDirectoryFile(bytes, today);
  if (read.date !== undefined && asOf !== undefined && asOf !== read.date) {
    throw new FileRefused(`it says that it shows ${read.date}: leave --as-of ${asOf} out for it`);
  }
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const [date, datedBy] = dayShown(file, read, asOf, today);
  if (date > today)
    throw new FileRefused(`the day that it is to show, ${date}, is not yet: write another --as-of`);
  return { file, read, date, datedBy, sha256 };
}

function dayShown(
  file: string,
  read: DirectoryRead,
  asOf: string | undefined,
  today: string,
): [string, DatedBy] {
  if (read.date !== undefined) return [read.date, 'file'];
  if (asOf !== undefined) return [asOf, 'as-of'];
  const [, month, day] = /(?:^|[^0-9])(20\d{2}-(?:0[1-9]|1[0-2]))(?:-(\d{2}))?(?!\d)/.exec(file) ?? [];
  const named = month === undefined ? '' : `${month}-${day ?? '01'}`;
  return isDay(named) ? [named, 'name'] : [today, 'today'];
}

/**
 * Works out what importing the files, all together, changes.
 *
 * @param now milliseconds since the epoch
 * @throws FileRefused for a file whose day nothing says, where one of its kind was imported before
 */
export function prepareImport(
  stored: StoredDirectory,
  given: readonly DatedFile[],
  now: number,
): PreparedImport {
  const draft = new DirectoryDraft(stored);
  const imports: DirectoryImport[] = [];
  const files = given
    .toSorted((one, other) => (one.date < other.date ? -1 : 1))
    .map((one): PreparedFile => {
      const { read, date, sha256, file } = one;
      const { kind, organisations, refused } = read;
      const { change: _, ...planned } = draft.take(read, date);
      const before = [...stored.imports, ...imports].filter((other) => other.kind === kind);
      const isKnown = before.some((other) => other.date === date && other.sha256 === sha256);
      if (one.datedBy === 'today' && before.length > 0 && !isKnown) throw undated(one);
      const lines = organisations.size + refused.length;
      if (!isKnown) imports.push({ kind, date, file, sha256, lines, refused: refused.length, at: now });
      return { ...one, ...planned, isKnown };
    });
  const after = {
    generation: stored.generation,
    versions: draft.versions(),
    imports: [...stored.imports, ...imports],
  };
  return { files, change: { ...draft.change(), imports }, after };
}

/** As of today it would outdo newer files, were it an old one. */
function undated({ file, read: { kind } }: DatedFile): FileRefused {
  const wrong = `${file} does not say which day it shows, and ${kind} were imported before`;
  return new FileRefused(`${wrong}: write --as-of with that day`);
}

/** What of a file says another ICB for a sub-ICB location than the dated table does, as sentences. */
export function parentageFaults(
  { read, date }: Pick<DatedFile, 'read' | 'date'>,
  directory: Directory,
): string[] {
  const said = new Map<string, string>();
  for (const [code, { subIcb, icb, roles, closed }] of read.organisations) {
    if (icb === undefined) continue;
    if (read.kind === 'practice-map' && subIcb !== undefined) said.set(subIcb, icb);
    if (read.kind === 'sub-icbs' && closed === undefined && roles?.includes('RO319')) said.set(code, icb);
  }
  return [...said].flatMap(([subIcb, icb]) => {
    const listed = directory.icbOf(subIcb, date);
    return listed === undefined || listed === icb
      ? []
      : [`sub-ICB ${subIcb} is of ${icb} here and of ${listed} in the parentage table on ${date}`];
  });
}
