import { access, constants } from 'node:fs/promises';
import { basename } from 'node:path';

import { ArchiveRefused } from '../audit/archive/shelf.ts';
import type { SegmentSource } from '../audit/archive/verify-archive.ts';
import { withArchive, type ArchiveAndLog, type WithArchive } from '../audit/archive/with-archive.ts';
import { fileBytes } from './file-bytes.ts';
import { CommandFailed } from './io.ts';

/** What `--help` says of files beside the store. */
export const ARCHIVE_OPTION = ['--archive <file...>', 'look into these archived segments as well'] as const;

/** A file that there is, by its name without a directory. @throws CommandFailed */
export async function segmentSource(file: string): Promise<SegmentSource> {
  try {
    await access(file, constants.R_OK);
  } catch (cause) {
    const mend = 'name a file that exists and that this user may read';
    throw new CommandFailed(`${file} cannot be read: ${mend}.`, 2, { cause });
  }
  return { name: basename(file), chunks: () => fileBytes(file) };
}

/** Gives an action the log with the files of `--archive` beside it. @throws CommandFailed */
export async function withFiles<Result>(
  files: readonly string[] | undefined,
  audit: Omit<WithArchive, 'files'>,
  action: (reading: ArchiveAndLog) => Promise<Result>,
): Promise<Result> {
  try {
    const sources = await Promise.all((files ?? []).map(segmentSource));
    return await action(await withArchive({ ...audit, files: sources }));
  } catch (error) {
    if (!(error instanceof ArchiveRefused)) throw error;
    throw new CommandFailed(`--archive: ${error.message}.`, 1, { cause: error });
  }
}
