import { Command } from 'commander';
import { randomUUID } from 'node:crypto';

import { AuditTrail } from '../audit/trail.ts';
import { auditLogIn } from '../broker.ts';
import { storeSecrets } from '../config/secrets.ts';
import type { Directory } from '../routing/directory.ts';
import { parentageFaults, type DatedFile, type PreparedImport } from '../routing/prepare-directory-import.ts';
import type { DirectoryStore } from '../store/contracts.ts';
import { adminName } from './admin-name.ts';
import { countsOf, fileJson, fileLines } from './directory-lines.ts';
import { CommandFailed, INCOMPLETE, type Io } from './io.ts';
import { datedFiles, dayArgument, prepared, withDirectory, type OpenDirectory } from './open-directory.ts';
import { tellingProgress } from './progress.ts';
import type { RegionOptions } from './region-config.ts';

interface Options extends RegionOptions {
  readonly asOf?: string;
  readonly dryRun?: true;
  readonly json?: true;
}

export const FILES_HELP =
  '\nFiles are taken as they are published, and known by what is in them: epraccur (either dialect), the monthly map of' +
  '\nGP practices, etr, eccg, hospital sites, names of ICBs. Where no file says which day it shows, --as-of says it, or its' +
  '\nname (epraccur_2026-02.csv).';

export function importCommand(io: Io): Command {
  return new Command('import')
    .description('Import published files of the Organisation Data Service: all of them, or nothing.')
    .argument('<file...>', 'CSV files, unpacked')
    .option('--as-of <date>', 'the day that the files show', dayArgument)
    .option('--region <region>', 'for whose broker')
    .option('--config <file>', 'a configuration file instead of --region')
    .option('--dry-run', 'say what it would change, and change nothing')
    .option('--json', 'print what was made of each file as JSON, with every refused line')
    .addHelpText(
      'after',
      `${FILES_HELP}\nA file that cannot be read whole is refused. A line that cannot be read is named, and what was known of it` +
        '\nstays; the exit code is 3 then.',
    )
    .action(async (names: string[], options: Options) => {
      const given = datedFiles(names, options.asOf, Date.now());
      await withDirectory(options, async (open) => {
        const { prepared: made, generation } = options.dryRun
          ? {
              prepared: prepared(await open.store.directory.read(), given, Date.now()),
              generation: undefined,
            }
          : await imported(open.store.directory, given, io, options);
        if (generation !== undefined) await writeToLog(open, made, io);
        tell(made, generation, open.directory, options, io);
        if (made.files.some(({ read }) => read.refused.length > 0)) io.fail(INCOMPLETE);
      });
    });
}

const MOST_TRIES = 3;

/** Worked out anew where somebody else has changed the directory meanwhile. */
async function imported(
  store: DirectoryStore,
  given: readonly DatedFile[],
  io: Io,
  { json }: Options,
): Promise<{ prepared: PreparedImport; generation: number | undefined }> {
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    const stored = await store.read();
    const made = prepared(stored, given, Date.now());
    if (made.files.every(({ isKnown, changes }) => isKnown && changes.length === 0)) {
      return { prepared: made, generation: undefined };
    }
    const count = made.change.remove.length + made.change.add.length;
    const progress = tellingProgress(io, json, (done: number) => `${done} of ${count}`);
    const generation = await store.replace(stored.generation, made.change, progress);
    if (generation !== undefined) return { prepared: made, generation };
  }
  throw new CommandFailed(
    'Somebody else imports at the same time, so nothing was imported here: run it again.',
  );
}

async function writeToLog(
  { store, config }: OpenDirectory,
  { files: taken }: PreparedImport,
  io: Io,
): Promise<void> {
  if ((await store.state.read()).closed !== undefined) {
    return io.warn('The store is closed, so that the log does not have the import.');
  }
  const log = await auditLogIn(store, config, storeSecrets(config.secretsDirectory));
  const trail = new AuditTrail(log, store.log, Date.now, adminName());
  const files = taken.map((file) => ({
    ...{ kind: file.read.kind, date: file.date, sha256: file.sha256, ...countsOf(file) },
    refused: file.read.refused.length,
  }));
  await trail.directoryImported(
    randomUUID(),
    taken.reduce((sum, { changes }) => sum + changes.length, 0),
    { files },
  );
}

function tell(
  { files }: PreparedImport,
  generation: number | undefined,
  directory: Directory,
  { json, dryRun }: Options,
  io: Io,
): void {
  const faults = files.flatMap((file) =>
    parentageFaults(file, directory).map((fault) => `${file.file}: ${fault}`),
  );
  if (json) {
    const all = { imported: generation !== undefined, files: files.map(fileJson), parentage: faults };
    return io.print(JSON.stringify(generation === undefined ? all : { ...all, generation }));
  }
  for (const line of files.flatMap(fileLines)) io.print(line);
  for (const fault of faults) io.warn(`${fault}: mend parentage in the directory file.`);
  if (dryRun) io.print('Nothing was imported: --dry-run.');
  else io.print(generation === undefined ? 'Nothing to import: all of it was known.' : 'Imported.');
}
