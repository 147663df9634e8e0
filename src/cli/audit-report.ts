import { Command } from 'commander';
import { randomUUID } from 'node:crypto';

import { notLookedAtWords } from '../audit/questions/not-looked-at.ts';
import type { PatientReport } from '../audit/questions/patient-report.ts';
import { gatherReport } from '../audit/questions/patient-report.ts';
import { reportCsv } from '../audit/questions/report-csv.ts';
import { notes, reportHtml } from '../audit/questions/report-html.ts';
import { wordsOf, type Names } from '../audit/questions/report-words.ts';
import type { Config } from '../config/load.ts';
import { ARCHIVE_OPTION, withFiles } from './archive-option.ts';
import type { Io } from './io.ts';
import { refuseExisting, writeNewFile } from './new-file.ts';
import { withAudit, type OpenAudit } from './open-audit.ts';
import { FROM_INPUT, patientOf } from './patient-argument.ts';
import type { RegionOptions } from './region-config.ts';
import { plain } from './subcommand.ts';
import { columns } from './tell.ts';
import { rangeOf, withRange, type RangeOptions } from './time-range.ts';

interface Options extends RegionOptions, RangeOptions {
  readonly patient: string;
  readonly also: string[];
  readonly archive?: string[];
  readonly html?: string;
  readonly csv?: string;
  readonly json?: true;
}

export function reportCommand(io: Io): Command {
  const command = new Command('report')
    .description('Who saw this record: every access of one patient, for the patient. Kept in the log itself.')
    .requiredOption('--patient <nhs-number>', `whose record; ${FROM_INPUT}`)
    .option(
      '--also <nhs-number>',
      'a superseded number of the patient; may be given several times',
      gather,
      [],
    )
    .option('--region <region>', "whose broker's logs")
    .option('--config <file>', 'a configuration file instead of --region');
  return withRange(command)
    .option(...ARCHIVE_OPTION)
    .option('--html <file>', 'write it as one page to print')
    .option('--csv <file>', 'write it as a table')
    .option('--json', 'print it as JSON')
    .addHelpText('after', '\nThe files tell of a patient: they are for this user alone, and never overwrite.')
    .action(async (options: Options) => {
      const nhsNumber = await patientOf(options.patient, io);
      const also = await Promise.all(options.also.map((number) => patientOf(number, io)));
      const now = Date.now();
      const range = rangeOf(options, now);
      for (const file of [options.html, options.csv]) refuseExisting(file);
      await withAudit(options, async (audit) => {
        const report = await withFiles(options.archive, audit, ({ log, isLeftOut }) =>
          gatherReport({ nhsNumber, also, ...range }, { ...sourcesOf(audit), store: log, isLeftOut }),
        );
        // On the disk before anybody is named.
        await audit.trail.reportMade(randomUUID(), nhsNumber, range, report.accesses.length);
        write(report, nhsNumber, now, options, audit.config);
        tell(report, options, audit.config, io);
      });
    });
}

function sourcesOf({ store, log, digest, config }: OpenAudit) {
  return { archive: store.archive, log, digest, region: config.region };
}

function write(
  report: PatientReport,
  nhsNumber: string,
  madeAt: number,
  options: Options,
  config: Config,
): void {
  const { show_users: showUsers } = config.report;
  const names = namesIn(config);
  const document = { report, region: config.region, nhsNumber, madeAt, showUsers };
  if (options.html !== undefined) writeNewFile(options.html, reportHtml(document, names));
  if (options.csv !== undefined) writeNewFile(options.csv, reportCsv(report, names, showUsers));
}

function tell(report: PatientReport, { json }: Options, config: Config, io: Io): void {
  const names = namesIn(config);
  if (json) {
    const accesses = report.accesses.map(({ user, ...access }) => ({
      ...access,
      ...(config.report.show_users ? { user } : {}),
      words: wordsOf(access as typeof access & { user: string | undefined }, names),
    }));
    io.print(JSON.stringify({ region: config.region, ...report, accesses }));
    return;
  }
  const rows = report.accesses.map((access) => {
    const { what, organisation, role, regions, resources, breakGlass } = wordsOf(access, names);
    const glass = access.breakGlass === undefined ? '' : `break-glass ${breakGlass}`;
    const user = config.report.show_users ? [access.user ?? 'not known'] : [];
    return [new Date(access.at).toISOString(), what, organisation, role, ...user, regions, resources, glass];
  });
  for (const line of columns(rows.map((row) => row.map(plain)))) io.print(line);
  const missing = report.notLookedAt.length > 0;
  if (rows.length === 0) {
    io.print(`No access of this record is in ${missing ? 'what was looked at of ' : ''}the log.`);
  }
  for (const part of report.notLookedAt) io.print(plain(notLookedAtWords(part)));
  for (const note of notes(report)) io.print(note);
}

/** The names that the shared directory knows; a site that it does not know has its trust's. */
function namesIn({ directory }: Config): Names {
  const organisations = new Map(directory.organisations.map(({ code, name }) => [code, name]));
  const regions = new Map(directory.regions.map(({ id, name }) => [id, name]));
  return {
    region: (id) => regions.get(id) ?? id,
    organisation: (code) => organisations.get(code) ?? organisations.get(code.slice(0, 3)),
  };
}

function gather(text: string, given: readonly string[]): string[] {
  return [...given, text];
}
