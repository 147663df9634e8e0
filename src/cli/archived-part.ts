import { checkPruned } from '../audit/archive/check-file.ts';
import { ArchiveRefused } from '../audit/archive/shelf.ts';
import type { LogVerdict } from '../audit/whole-log/verify-log.ts';
import type { Store } from '../store/contracts.ts';
import { segmentShelf } from './segment-shelf.ts';

/** What became of a log's entries that are in archived segments alone. */
export interface ArchiveChecked {
  /** From the first entry on, up to there: verified in their files. */
  readonly verified: number;
  readonly fault: { readonly code: string; readonly says: string } | undefined;
  /** The first of the files that were not looked at, or not to the end. */
  readonly files: readonly { readonly file: string; readonly sha256: string }[];
}

type Verdict = Pick<LogVerdict, 'origin' | 'archived'>;

const MOST_FILES = 1_000;

/** @param directory where the segments' files lie; undefined: they are not looked at, and that is said */
export async function checkArchived(
  { origin, archived }: Verdict,
  directory: string | undefined,
  store: Pick<Store, 'log' | 'archive'>,
): Promise<ArchiveChecked> {
  let verified = 0;
  let fault: ArchiveChecked['fault'];
  if (directory !== undefined && archived > 0) {
    const shelf = segmentShelf(directory);
    try {
      for await (const { to } of checkPruned({ origin, store, shelf })) verified = to;
    } catch (error) {
      if (!(error instanceof ArchiveRefused)) throw error;
      fault = { code: error.code, says: error.message };
    }
  }
  const rest = archived > verified ? await store.archive.segments(origin, verified, MOST_FILES) : [];
  const files = rest.flatMap(({ file, sha256, to }) => (to <= archived ? [{ file, sha256 }] : []));
  return { verified, fault, files };
}

export function archivedLines({ archived }: Verdict, { verified, fault, files }: ArchiveChecked): string[] {
  const done = verified === 0 ? [] : [`Entries 0 to ${verified - 1} hold in their archived segments.`];
  if (fault !== undefined) return [...done, `WRONG in the archive (${fault.code}): ${fault.says}.`];
  if (archived === verified) return done;
  return [
    ...done,
    `Entries ${verified} to ${archived - 1} are in archived segments and were NOT looked at: verify those files ` +
      '(--archive, or `wayleave audit verify-archive`).',
    ...files.map(({ file, sha256 }) => `  ${file}  SHA-256 ${sha256}`),
  ];
}
