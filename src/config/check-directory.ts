import { StartError } from '../errors.ts';
import type { DirectoryFile } from './schema.ts';

/** What one entry of the directory file alone cannot show. @throws StartError */
export function checkDirectory(source: string, directory: DirectoryFile): void {
  const regions = directory.regions.flatMap(({ id, sub_icbs: spans }) =>
    spans.map((span) => ({ ...span, lies: id })),
  );
  const icbs = directory.parentage.flatMap(({ icb, sub_icbs: codes, ...dates }) =>
    codes.map((code) => ({ code, ...dates, lies: icb })),
  );
  for (const spans of [regions, icbs]) checkOneAtATime(source, spans);
  checkSuccessors(source, directory);
}

interface Lying {
  readonly code: string;
  readonly from?: string | undefined;
  readonly until?: string | undefined;
  /** In which region, or in which ICB. */
  readonly lies: string;
}

/** Each sub-ICB location belongs to one region, and to one ICB, at a time. */
function checkOneAtATime(source: string, spans: readonly Lying[]): void {
  for (const [position, span] of spans.entries()) {
    const other = spans
      .slice(position + 1)
      .find(
        (later) =>
          later.code === span.code &&
          (later.from ?? '') <= (span.until ?? '9999') &&
          (span.from ?? '') <= (later.until ?? '9999'),
      );
    if (other !== undefined) {
      throw new StartError(
        `${source}: directory: sub-ICB ${span.code} lies in ${span.lies} and ${other.lies} ` +
          'at the same time: give one of the two a from or until that ends the overlap.',
      );
    }
  }
}

/** Each has one successor, and none leads back to itself. */
function checkSuccessors(source: string, { successors }: DirectoryFile): void {
  const next = new Map(successors.map(({ code, successor }) => [code, successor]));
  for (const { code } of successors) {
    if (successors.filter((one) => one.code === code).length > 1) {
      throw new StartError(
        `${source}: directory: successors names ${code} twice: keep the one that is right.`,
      );
    }
    const passed = new Set<string>();
    for (let at: string | undefined = code; at !== undefined; at = next.get(at)) {
      if (passed.has(at)) {
        throw new StartError(
          `${source}: directory: successors leads from ${code} back to itself: take out what is wrong of it.`,
        );
      }
      passed.add(at);
    }
  }
}
