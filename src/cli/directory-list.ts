import { Command } from 'commander';

import { dayOf } from '../routing/directory-data.ts';
import type { Directory } from '../routing/directory.ts';
import { explainCode, type ExplainedCode } from '../routing/explain-code.ts';
import { CommandFailed, type Io } from './io.ts';
import { dayArgument, middleOf, withDirectory } from './open-directory.ts';
import type { RegionOptions } from './region-config.ts';
import { plain, wholeNumber } from './subcommand.ts';
import { columns } from './tell.ts';

interface Options extends RegionOptions {
  readonly at?: string;
  readonly coveredBy?: string;
  readonly subIcb?: string;
  readonly status?: string;
  readonly rule?: string;
  readonly page: number;
  readonly pageSize: number;
  readonly json?: true;
}

const MOST_ON_A_PAGE = 1_000;

export function listCommand(io: Io): Command {
  return new Command('list')
    .description('List practices, trusts and sites, and where they lead, page by page.')
    .option('--at <date>', 'on that day (default: today)', dayArgument)
    .option('--covered-by <region>', 'only those that lead to this region')
    .option('--sub-icb <code>', 'only those that this sub-ICB location commissions')
    .option('--status <status>', 'only those that are open, closed, dormant, proposed or not-yet-open')
    .option('--rule <code>', 'only those of which this rule decides, as practice-in-wales')
    .option('--page <number>', 'from 1 on', wholeNumber, 1)
    .option('--page-size <number>', `at most ${MOST_ON_A_PAGE}`, wholeNumber, 100)
    .option('--region <region>', "whose broker's directory")
    .option('--config <file>', 'a configuration file instead of --region')
    .option('--json', 'print the page as JSON')
    .action(async (options: Options) => {
      const { page, pageSize } = options;
      if (page < 1 || pageSize < 1 || pageSize > MOST_ON_A_PAGE) {
        throw new CommandFailed(`Pages begin with 1, and have 1 to ${MOST_ON_A_PAGE} lines.`, 2);
      }
      await withDirectory(options, async ({ directory }) => {
        const found = listed(directory, options, middleOf(options.at, Date.now()));
        const pages = Math.max(1, Math.ceil(found.length / pageSize));
        const shown = found.slice((page - 1) * pageSize, page * pageSize);
        if (options.json) return io.print(JSON.stringify({ total: found.length, page, pages, codes: shown }));
        for (const line of columns(shown.map(rowOf))) io.print(line);
        io.print(`Page ${page} of ${pages}: ${found.length} in all.`);
      });
    });
}

function listed(directory: Directory, options: Options, at: number): ExplainedCode[] {
  const { coveredBy, subIcb, status, rule } = options;
  const codes = new Set([...directory.imported.codes(), ...directory.listedCodes()]);
  return [...codes]
    .sort()
    .flatMap((code) => explainCode(directory, code, at) ?? [])
    .filter(
      (one) =>
        (coveredBy === undefined || leadsTo(one, coveredBy)) &&
        (subIcb === undefined || one.subIcb === subIcb) &&
        (status === undefined || one.status === status) &&
        (rule === undefined || one.rule === rule),
    );
}

function leadsTo({ region, feeds = [] }: ExplainedCode, wanted: string): boolean {
  return region === wanted || feeds.some((feed) => feed.region === wanted);
}

function rowOf({ code, name, status, subIcb, icb, region, feeds, rule }: ExplainedCode): string[] {
  const regions = new Set(feeds?.map((feed) => feed.region) ?? (region === undefined ? [] : [region]));
  const leads = regions.size === 0 ? rule : [...regions].join(', ');
  return [code, plain(name ?? ''), status ?? '-', subIcb ?? '-', icb ?? '-', leads];
}

export function regionsCommand(io: Io): Command {
  return new Command('regions')
    .description('Say which sub-ICB locations each region covers, and which no region does.')
    .option('--at <date>', 'on that day (default: today)', dayArgument)
    .option('--region <region>', "whose broker's directory")
    .option('--config <file>', 'a configuration file instead of --region')
    .option('--json', 'print it as JSON')
    .action(async (options: RegionOptions & { at?: string; json?: true }) => {
      await withDirectory(options, async ({ directory }) => {
        const day = dayOf(middleOf(options.at, Date.now()));
        const subIcbs = directory.subIcbs(day);
        const regions = directory.regions().map(({ id, name }) => ({
          ...{ region: id, name },
          sub_icbs: subIcbs.filter(({ region }) => region === id),
        }));
        const uncovered = subIcbs.filter(({ region }) => region === undefined);
        if (options.json) return io.print(JSON.stringify({ at: day, regions, uncovered }));
        for (const { region, name, sub_icbs: covered } of regions)
          io.print(`${region} (${name}): ${told(covered)}`);
        io.print(`Covered by no region on ${day}: ${told(uncovered)}`);
      });
    });
}

function told(subIcbs: readonly { code: string; icb?: string }[]): string {
  const of = subIcbs.map(({ code, icb }) => (icb === undefined ? code : `${code} (${icb})`));
  return of.length === 0 ? 'none' : of.join(', ');
}
