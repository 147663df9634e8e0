import { Command } from 'commander';

import { exportLines, PrunedMeanwhile, wholeExtractFrom } from '../audit/questions/log-export.ts';
import { CommandFailed, type Io } from './io.ts';
import { streamNewFile } from './new-file.ts';
import { withAudit } from './open-audit.ts';
import type { RegionOptions } from './region-config.ts';
import { rangeOf, withRange, type RangeOptions } from './time-range.ts';

interface Options extends RegionOptions, RangeOptions {
  readonly with?: string;
  readonly out: string;
  readonly json?: true;
}

export function exportCommand(io: Io): Command {
  const command = new Command('export')
    .description("Write which exchanges the logs hold, for a neighbour's `audit compare`. Nobody is named.")
    .option('--region <region>', "whose broker's logs")
    .option('--config <file>', 'a configuration file instead of --region')
    .option('--with <region>', 'exchanges with that region alone, as it may see them');
  return withRange(command)
    .requiredOption('--out <file>', 'where to, as NDJSON, newest first')
    .option('--json', 'print what was written as JSON')
    .action(async (options: Options) => {
      const range = rangeOf(options, Date.now());
      await withAudit(options, async ({ store, config }) => {
        const other = options.with;
        if (other !== undefined && !config.neighbours.some(({ region }) => region === other)) {
          throw new CommandFailed(`--with ${other} is no neighbour of ${config.region}.`, 2);
        }
        const head = { region: config.region, ...(other === undefined ? {} : { with: other }), ...range };
        const extract = await wholeExtractFrom(store, head);
        let lines = 0;
        const counted = async function* (): AsyncGenerator<string, void, undefined> {
          for await (const line of exportLines(extract)) {
            lines += 1;
            yield line;
          }
        };
        await streamNewFile(options.out, counted()).catch(unlessPruned);
        const entries = lines - 1;
        const { wayleave_audit_export: _form, ...written } = extract.head;
        io.print(options.json ? JSON.stringify({ ...written, entries }) : `${entries} entries written.`);
        if (!options.json && written.archived_until !== undefined) io.print(archivedLine(written.from));
      });
    });
}

function archivedLine(from: number): string {
  return `It begins at ${new Date(from).toISOString()}: what was written before is archived, and NOT in it.`;
}

function unlessPruned(error: unknown): never {
  if (!(error instanceof PrunedMeanwhile)) throw error;
  throw new CommandFailed('The log was pruned while it was read, and nothing was written: try again.');
}
