import { Command } from 'commander';
import { randomUUID } from 'node:crypto';

import { ARCHIVE_OPTION, withFiles } from './archive-option.ts';
import { isComplete, mergeRegions } from '../audit/questions/all-regions.ts';
import { gatherReport } from '../audit/questions/patient-report.ts';
import { askAllRegions, askerOf, withAllRegions, type AllRegionsOptions } from './ask-all-regions.ts';
import { INCOMPLETE, type Io } from './io.ts';
import { refuseExisting } from './new-file.ts';
import { withAudit, type OpenAudit } from './open-audit.ts';
import { FROM_INPUT, patientOf } from './patient-argument.ts';
import type { RegionOptions } from './region-config.ts';
import { gather } from './subcommand.ts';
import { tellReport, writeReport, type MadeReport } from './report-forms.ts';
import { rangeOf, withRange, type RangeOptions } from './time-range.ts';

interface Options extends RegionOptions, RangeOptions, AllRegionsOptions {
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
  return withAllRegions(withRange(command))
    .option(...ARCHIVE_OPTION)
    .option('--html <file>', 'write it as one page to print')
    .option('--csv <file>', 'write it as a table')
    .option('--json', 'print it as JSON')
    .addHelpText(
      'after',
      '\nThe files tell of a patient: they are for this user alone, and never overwrite.' +
        '\nWith --all-regions the exit code is 3 where the part of some region is not known.',
    )
    .action(async (options: Options) => {
      const nhsNumber = await patientOf(options.patient, io);
      const also = await Promise.all(options.also.map((number) => patientOf(number, io)));
      const madeAt = Date.now();
      const range = rangeOf(options, madeAt);
      for (const file of [options.html, options.csv]) refuseExisting(file);
      await withAudit(options, async (audit) => {
        const asker = await askerOf(options, audit);
        using asking = asker && (await askAllRegions(nhsNumber, also, asker, audit));
        const numbers = [...also, ...(asking?.nhsNumbers ?? [])];
        const question = { nhsNumber, also: numbers, ...range };
        const exchange = randomUUID();
        const report = await withFiles(options.archive, audit, ({ log, isLeftOut }) =>
          gatherReport(question, { ...sourcesOf(audit), store: log, isLeftOut }),
        );
        const told = await asking?.ask(exchange, range);
        const everywhere = told && mergeRegions(audit.config.region, report, told);
        const { length: count } = everywhere?.accesses ?? report.accesses;
        // On the disk before anybody is named.
        await audit.trail.reportMade(exchange, nhsNumber, range, count);
        const made: MadeReport = { report, everywhere, nhsNumber, madeAt };
        writeReport(made, options, audit.config);
        tellReport(made, options, audit.config, io);
        if (everywhere?.regions.every(isComplete) === false) io.fail(INCOMPLETE);
      });
    });
}

function sourcesOf({ store, log, digest, config }: OpenAudit) {
  return { archive: store.archive, log, digest, region: config.region };
}
