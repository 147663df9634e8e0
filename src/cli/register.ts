import { Command, InvalidArgumentError } from 'commander';
import { randomUUID } from 'node:crypto';

import { AuditTrail } from '../audit/trail.ts';
import { auditLogIn, openStore, patientDigestOf } from '../broker.ts';
import { storeSecrets } from '../config/secrets.ts';
import { PatientNumberSeal } from '../evidence/patient-number-seal.ts';
import {
  importRegister,
  markLeavers,
  type ImportCounts,
  type Importing,
} from '../routing/register-import.ts';
import { adminName } from './admin-name.ts';
import { CommandFailed, INCOMPLETE, type Io } from './io.ts';
import { linesOf } from './lines-of.ts';
import { tellingProgress } from './progress.ts';
import { regionConfig, type RegionOptions } from './region-config.ts';

const MOST_FAULTS_SHOWN = 20;
const MOST_LEAVERS_PERCENT = 20;

interface ImportOptions extends RegionOptions {
  readonly whole?: true;
  readonly leaversAnyway?: true;
  readonly mostLeavers: number;
  readonly json?: true;
}

export function registerCommand(io: Io): Command {
  const parent = new Command('register').description(
    "The patients of the region's own practices, as the region knows them by itself.",
  );
  parent
    .command('import')
    .description(
      'Read patients from a CSV (nhs_number,practice,from,until). It may be read again at any time, and after a stop.',
    )
    .argument('<file>', 'a CSV whose first line names its columns')
    .option('--whole', 'the file has every patient: who is missing from it has left')
    .option(
      '--most-leavers <percent>',
      'with --whole: mark nobody as left where more than this part of all would be',
      percent,
      MOST_LEAVERS_PERCENT,
    )
    .option('--leavers-anyway', 'with --whole: mark them however many they are')
    .option('--region <region>', 'for whose broker')
    .option('--config <file>', 'a configuration file instead of --region')
    .option('--json', 'print the counts as JSON')
    .addHelpText(
      'after',
      '\nExit codes: 0 done; 1 not done; 2 called wrongly; 3 lines could not be read, or leavers were not marked.',
    )
    .action((file: string, options: ImportOptions) => importFile(io, file, options));
  parent
    .command('stats')
    .description('How many patients the register has, and when it was read.')
    .option('--region <region>', 'of whose broker')
    .option('--config <file>', 'a configuration file instead of --region')
    .option('--json', 'print it as JSON')
    .action((options: RegionOptions & { json?: true }) => stats(io, options));
  return parent;
}

async function importFile(io: Io, file: string, options: ImportOptions): Promise<void> {
  if (options.leaversAnyway && !options.whole) {
    throw new CommandFailed('--leavers-anyway goes with --whole: write both.', 2);
  }
  const config = regionConfig(options);
  const secrets = storeSecrets(config.secretsDirectory);
  const store = await openStore(config);
  try {
    const seal = new PatientNumberSeal(secrets.patientDigestKey);
    const importing: Importing = {
      register: store.register,
      digest: patientDigestOf(secrets),
      seal: (nhsNumber, patient) => seal.seal(nhsNumber, patient),
      now: Date.now,
      hasRoom: () => store.hasRoom(),
      onFault: tellingFaults(io, file),
      onProgress: tellingProgress<ImportCounts>(io, options.json, ({ read }) => `${read} patients`),
    };
    const told = await importRegister(linesOf(file), options.whole === true, importing);
    if (told === undefined) throw new CommandFailed(`${file} is no register, and nothing was imported.`);
    const leavers = options.whole ? await leaversOf(told, options, importing) : undefined;
    if ((await store.state.read()).closed === undefined) {
      const log = await auditLogIn(store, config, secrets);
      const trail = new AuditTrail(log, store.log, Date.now, adminName());
      await trail.registerImported(randomUUID(), { read: told.read, left: leavers?.marked ?? 0 });
    }
    tell(io, { ...told, ...leavers }, options.json);
  } finally {
    await store.close();
  }
}

interface Leavers {
  readonly marked: number;
  /** Why nobody was marked. */
  readonly kept?: 'faults' | 'too-many';
  readonly missing: number;
}

/** Who is missing from the whole file has left: unless the file is not to be trusted for that. */
async function leaversOf(
  told: ImportCounts & { readonly at: number },
  { leaversAnyway, mostLeavers }: ImportOptions,
  importing: Importing,
): Promise<Leavers> {
  const { present } = await importing.register.counts();
  const missing = await importing.register.unread(told.at);
  if (told.faults > 0) return { marked: 0, kept: 'faults', missing };
  const isTooMany = missing > (present * mostLeavers) / 100;
  if (isTooMany && !leaversAnyway) return { marked: 0, kept: 'too-many', missing };
  return { marked: await markLeavers(told.at, importing), missing };
}

function tell(io: Io, told: ImportCounts & Partial<Leavers>, json: true | undefined): void {
  const { read, faults, marked, missing, kept } = told;
  if (faults > 0 || kept !== undefined) io.fail(INCOMPLETE);
  if (json) return io.print(JSON.stringify({ read, faults, left: marked, missing, kept }));
  io.print(`${read} patients read${faults === 0 ? '' : `, ${faults} lines could not be read`}.`);
  if (kept === 'faults')
    io.print('Nobody was marked as left: the file has faults. Mend them and import again.');
  else if (kept === 'too-many') {
    io.print(
      `Nobody was marked as left: ${missing} would be, which looks like a part of the register. ` +
        'If it is right, write --leavers-anyway.',
    );
  } else if (marked !== undefined) io.print(`${marked} marked as left.`);
}

function tellingFaults(io: Io, file: string): Importing['onFault'] {
  let told = 0;
  return (line, { wrong }) => {
    told += 1;
    if (told <= MOST_FAULTS_SHOWN) io.warn(`${file}:${line}: ${wrong}`);
    else if (told === MOST_FAULTS_SHOWN + 1) io.warn('and more');
  };
}

async function stats(io: Io, options: RegionOptions & { json?: true }): Promise<void> {
  const store = await openStore(regionConfig(options));
  try {
    const { present, left, readAt, wholeAt } = await store.register.counts();
    const when = (at: number | undefined): string | undefined =>
      at === undefined ? undefined : new Date(at).toISOString();
    if (options.json) {
      const told = { present, left, read_at: when(readAt), whole_at: when(wholeAt) };
      return io.print(JSON.stringify(told));
    }
    io.print(`${present} registered here, ${left} left.`);
    io.print(`Read last: ${when(readAt) ?? 'never'}; the whole of it: ${when(wholeAt) ?? 'never'}.`);
  } finally {
    await store.close();
  }
}

function percent(text: string): number {
  if (!/^\d{1,3}$/.test(text) || Number(text) > 100) {
    throw new InvalidArgumentError('Write a percentage of 0 to 100.');
  }
  return Number(text);
}
