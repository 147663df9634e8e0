import { Command, InvalidArgumentError } from 'commander';
import { randomUUID } from 'node:crypto';

import { CareLocationTrail } from '../audit/care-location-trail.ts';
import { auditLogIn, openQueueing, openSightingStage, openStore, patientDigestBytesOf } from '../broker.ts';
import type { Config } from '../config/load.ts';
import { storeSecrets } from '../config/secrets.ts';
import { isSource } from '../routing/care-locations-csv.ts';
import type { Store } from '../store/contracts.ts';
import {
  checkFile,
  importFile,
  NotCareLocations,
  type Imported,
  type ImportProgress,
} from '../whereabouts/import/import-file.ts';
import { adminName } from './admin-name.ts';
import { faultLines, importedLines } from './imported-lines.ts';
import { CommandFailed, INCOMPLETE, type Io } from './io.ts';
import { tellingProgress } from './progress.ts';
import { regionConfig, type RegionOptions } from './region-config.ts';

interface Options extends RegionOptions {
  readonly source: string;
  readonly strict?: true;
  readonly staging?: string;
  /** False where `--no-notices` is given. */
  readonly notices: boolean;
  readonly json?: true;
}

export function importCareLocationsCommand(io: Io): Command {
  return new Command('import')
    .description(
      'Read where patients were treated from CSV (nhs_number,organisation,first_seen,last_seen,source) or from FHIR ' +
        'Encounters, one to a line. The same file once more changes nothing.',
    )
    .argument('<files...>', 'what each is shows in its first line')
    .option('--region <region>', 'for whose broker')
    .option('--config <file>', 'a configuration file instead of --region')
    .option('--source <name>', 'who says so, for lines that name nobody', aSource, 'import')
    .option('--strict', 'take nothing of a file of which a line is refused: it is read twice')
    .option('--staging <directory>', 'where rows wait to be merged (default: beside the store)')
    .option('--no-notices', 'tell no home region of the patients in these files')
    .option('--json', 'print the counts as JSON, a line a file')
    .addHelpText(
      'after',
      '\nAn import that was killed goes on where it was when it is called again.' +
        '\nExit codes: 0 all taken; 1 not done; 2 called wrongly; 3 done, and lines were refused.',
    )
    .action(async (files: readonly string[], options: Options) => {
      const config = regionConfig(options);
      if (options.strict) for (const file of files) await assertWhole(file, options, io);
      const store = await openStore(config);
      try {
        for (const file of files) await importOne(file, { config, store, options, io });
      } finally {
        await store.close();
      }
    });
}

interface Importing {
  readonly config: Config;
  readonly store: Store;
  readonly options: Options;
  readonly io: Io;
}

async function importOne(file: string, { config, store, options, io }: Importing): Promise<void> {
  const secrets = storeSecrets(config.secretsDirectory);
  const onSeen = options.notices ? await openQueueing(config, store, secrets) : undefined;
  const started = performance.now();
  const imported = await reading(file, () =>
    importFile(file, {
      ...{ store: store.careLocations, source: options.source, now: Date.now },
      openStage: (digest) => openSightingStage(config, digest, options.staging),
      digest: patientDigestBytesOf(secrets),
      onSeen,
      onProgress: telling(io, options),
      onMerged: (merged) => writeDown(merged, { config, store, options, io }),
    }),
  );
  const seconds = (performance.now() - started) / 1000;
  if (options.json) io.print(JSON.stringify({ file, ...imported, seconds }));
  else for (const line of importedLines(file, imported, seconds)) io.print(line);
  if (imported.refused > 0) io.fail(INCOMPLETE);
}

/** A restored store must know them before it is opened, and its log cannot be written until then. */
async function writeDown(imported: Imported, { config, store, options, io }: Importing): Promise<void> {
  if ((await store.state.read()).closed !== undefined) {
    io.warn('The store is closed: import them once more when it is open, so that the log has it.');
    return;
  }
  const log = await auditLogIn(store, config, storeSecrets(config.secretsDirectory));
  const { read, refused, added, widened, digest } = imported;
  const detail = { source: options.source, refused, added, widened, file: digest };
  await new CareLocationTrail(log, adminName()).imported(randomUUID(), read, detail);
}

async function assertWhole(file: string, options: Options, io: Io): Promise<void> {
  const counts = await reading(file, () => checkFile(file, Date.now, telling(io, options)));
  if (counts.refused === 0) return;
  for (const line of faultLines(file, counts)) io.warn(line);
  throw new CommandFailed(
    `${counts.refused} of the ${counts.read} lines of ${file} are refused and nothing was imported: mend them, or leave ` +
      'out --strict to take the rest.',
  );
}

/** @throws CommandFailed for a file that cannot be read, or is none of care locations */
async function reading<Result>(file: string, action: () => Promise<Result>): Promise<Result> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof NotCareLocations) throw new CommandFailed(error.message, 1, { cause: error });
    const { syscall } = error as NodeJS.ErrnoException;
    if (syscall !== 'open' && syscall !== 'read') throw error;
    throw new CommandFailed(
      `${file} cannot be read: name a file that exists and that this user may read.`,
      1,
      {
        cause: error,
      },
    );
  }
}

function telling(io: Io, { json }: Options): ((progress: ImportProgress) => void) | undefined {
  const started = performance.now();
  return tellingProgress<ImportProgress>(io, json, ({ doing, done, share }) => {
    const rate = Math.round(done / ((performance.now() - started) / 1000));
    return `${doing}: ${done} rows (${rate}/s), ${Math.floor(share * 100)}%`;
  });
}

function aSource(text: string): string {
  if (!isSource(text)) throw new InvalidArgumentError('Write lower-case letters, digits and hyphens.');
  return text;
}
