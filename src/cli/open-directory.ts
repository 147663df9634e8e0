import { InvalidArgumentError } from 'commander';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';

import { importedIn, openStore, trustedConfig } from '../broker.ts';
import type { Config } from '../config/load.ts';
import { storeSecrets } from '../config/secrets.ts';
import { isDay } from '../routing/directory-files/cells.ts';
import { FileRefused } from '../routing/directory-files/refused.ts';
import { Directory } from '../routing/directory.ts';
import {
  datedFile,
  prepareImport,
  type DatedFile,
  type PreparedImport,
} from '../routing/prepare-directory-import.ts';
import type { Store, StoredDirectory } from '../store/contracts.ts';
import { CommandFailed } from './io.ts';
import { regionConfig, type RegionOptions } from './region-config.ts';

/** A region's directory as a command works on it, beside a broker that may be running. */
export interface OpenDirectory {
  readonly config: Config;
  readonly store: Store;
  readonly directory: Directory;
}

/** Gives an action the directory of `--region` or `--config`, and closes the store when the action ends. */
export async function withDirectory<Result>(
  options: RegionOptions,
  action: (open: OpenDirectory) => Promise<Result>,
): Promise<Result> {
  const file = regionConfig(options);
  const store = await openStore(file);
  try {
    // With the regions that were enrolled.
    const config = await trustedConfig(file, storeSecrets(file.secretsDirectory), store);
    const directory = new Directory(config.directory, await importedIn(store));
    return await action({ config, store, directory });
  } finally {
    await store.close();
  }
}

/** The files that a command names, read. @throws CommandFailed with each that is refused: then none is to be imported */
export function datedFiles(names: readonly string[], asOf: string | undefined, now: number): DatedFile[] {
  const today = new Date(now).toISOString().slice(0, 10);
  const refused: string[] = [];
  const read = names.flatMap((name) => {
    try {
      return [datedFile({ file: basename(name), bytes: bytesOf(name) }, asOf, today)];
    } catch (error) {
      if (!(error instanceof FileRefused)) throw error;
      refused.push(`${name}${error.line === undefined ? '' : `:${error.line}`}: ${error.message}.`);
      return [];
    }
  });
  if (refused.length > 0) throw new CommandFailed(`${refused.join('\n')}\nNothing was imported.`);
  return read;
}

/** What importing them changes. @throws CommandFailed with the one that is refused beside what was imported before */
export function prepared(stored: StoredDirectory, given: readonly DatedFile[], now: number): PreparedImport {
  try {
    return prepareImport(stored, given, now);
  } catch (error) {
    if (!(error instanceof FileRefused)) throw error;
    throw new CommandFailed(`${error.message}.\nNothing was imported.`, 1, { cause: error });
  }
}

function bytesOf(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new CommandFailed(
      `${file} cannot be read: name a file that exists and that this user may read.`,
      1,
      {
        cause,
      },
    );
  }
}

/** A day as an option gives it. */
export function dayArgument(text: string): string {
  if (!isDay(text)) throw new InvalidArgumentError('Write a date, as 2026-04-01.');
  return text;
}

/** In the middle of a day, so that it is that day in every time zone of this country. */
export function middleOf(day: string | undefined, now: number): number {
  return day === undefined ? now : Date.parse(`${day}T12:00:00Z`);
}
