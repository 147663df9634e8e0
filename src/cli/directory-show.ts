import { Command } from 'commander';

import { codeRuleText, explainCode, type ExplainedCode } from '../routing/explain-code.ts';
import { CommandFailed, type Io } from './io.ts';
import { dayArgument, middleOf, withDirectory } from './open-directory.ts';
import type { RegionOptions } from './region-config.ts';
import { plain } from './subcommand.ts';
import { columns } from './tell.ts';

interface Options extends RegionOptions {
  readonly at?: string;
  readonly json?: true;
}

export function showCommand(io: Io): Command {
  return new Command('show')
    .description(
      'Say what a practice, trust, site or sub-ICB location is, where it leads, and by which rule.',
    )
    .argument('<code>', 'its ODS code')
    .option('--at <date>', 'on that day (default: today)', dayArgument)
    .option('--region <region>', "whose broker's directory")
    .option('--config <file>', 'a configuration file instead of --region')
    .option('--json', 'print it as JSON')
    .action(async (given: string, options: Options) => {
      const code = given.toUpperCase();
      if (!/^[A-Z0-9]{3,12}$/.test(code)) {
        throw new CommandFailed('This is no ODS code: write 3 to 12 letters and digits, as F81027.', 2);
      }
      await withDirectory(options, async ({ directory }) => {
        const found = explainCode(directory, code, middleOf(options.at, Date.now()));
        if (found === undefined) {
          throw new CommandFailed(
            `${code} is in no file that was imported, nor in the directory file: import the newest files, or mend the code.`,
          );
        }
        if (options.json) return io.print(JSON.stringify(found));
        for (const line of linesOf(found, (region) => directory.nameOf(region))) io.print(line);
      });
    });
}

function linesOf(found: ExplainedCode, nameOf: (region: string) => string): string[] {
  const { code, name, status, opened, closed, since, subIcb, icb, organisation, successor, region, feeds } =
    found;
  const rows: [string, string | undefined][] = [
    ['name', name],
    ['status', status],
    ['opened', opened],
    ['closed', closed],
    ['successor', successor],
    ['organisation', organisation],
    ['sub-ICB', subIcb],
    ['ICB', icb],
    ['so since', since],
    ['region', region === undefined ? undefined : `${region} (${nameOf(region)})`],
    ...(feeds ?? []).map((feed): [string, string] => [
      'feeds',
      feed.record === undefined ? feed.region : `${feed.region} / ${feed.record}`,
    ]),
    ['because', codeRuleText(found.rule)],
  ];
  return [
    `${code} on ${found.at}`,
    ...columns(rows.flatMap(([what, value]) => (value === undefined ? [] : [[`  ${what}`, plain(value)]]))),
  ];
}
