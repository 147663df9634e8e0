import { coverageConflicts, trustOf, type Coverage } from '../trust/coverage-conflicts.ts';
import type { DirectoryFile } from './schema.ts';

/** A region with what it says by itself that leads to it. */
export interface JoiningRegion {
  readonly region: string;
  readonly name: string;
  readonly coverage: Coverage;
}

/**
 * The directory file with the regions that it does not list, by what each says that it covers. Where the file says
 * otherwise the file counts, and a sub-ICB location or an organisation that it gives to somebody is nobody else's.
 */
export function joinedDirectory(file: DirectoryFile, regions: readonly JoiningRegion[]): DirectoryFile {
  const joining = regions.filter(({ region }) => !lists(file, region));
  if (joining.length === 0) return file;
  const taken = new Set(file.regions.flatMap(({ sub_icbs: spans }) => spans.map(({ code }) => code)));
  const known = new Set(file.organisations.flatMap(({ code }) => [code, trustOf(code)]));
  const joined = [...file.regions];
  const organisations = [...file.organisations];
  for (const { region, name, coverage } of joining) {
    const free = coverage.sub_icbs.filter((code) => !taken.has(code));
    for (const code of free) taken.add(code);
    joined.push({ id: region, name, sub_icbs: free.map((code) => ({ code })) });
    for (const code of coverage.organisations.filter((one) => !known.has(one) && !known.has(trustOf(one)))) {
      known.add(code);
      organisations.push({ code, name: code, feeds: [{ region }] });
    }
  }
  return { ...file, regions: joined, organisations };
}

/** What a region that the file does not list says that it covers, and that the file gives to another. */
export function takenInDirectory(file: DirectoryFile, { region, coverage }: JoiningRegion): string[] {
  if (lists(file, region)) return [];
  const others = new Map(
    file.regions.map(({ id, sub_icbs: spans }) => [
      id,
      {
        sub_icbs: spans.map(({ code }) => code),
        organisations: file.organisations
          .filter(({ feeds }) => feeds.some((feed) => feed.region === id))
          .map(({ code }) => code),
      },
    ]),
  );
  return coverageConflicts(region, coverage, { others, practices: file.practices });
}

function lists({ regions }: DirectoryFile, region: string): boolean {
  return regions.some(({ id }) => id === region);
}
