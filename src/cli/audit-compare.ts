import { Command } from 'commander';
import { createReadStream } from 'node:fs';

import {
  compare,
  NotComparable,
  type Comparison,
  type CompareProgress,
  type Counted,
} from '../audit/questions/compare.ts';
import {
  MalformedExport,
  PrunedMeanwhile,
  readExport,
  wholeExtractFrom,
  type LogExtract,
} from '../audit/questions/log-export.ts';
import { CommandFailed, INCOMPLETE, type Io } from './io.ts';
import { withAudit } from './open-audit.ts';
import { tellingProgress } from './progress.ts';
import type { RegionOptions } from './region-config.ts';
import { gather, plain, wholeNumber } from './subcommand.ts';
import { rangeOf, withRange, type RangeOptions } from './time-range.ts';

interface Options extends RangeOptions {
  readonly region: string[];
  readonly config: string[];
  readonly tolerance: number;
  readonly list: number;
  readonly json?: true;
}

export function compareCommand(io: Io): Command {
  const command = new Command('compare')
    .description('Find what one of two regions has of their exchanges and the other has not.')
    .argument('[export...]', 'files that `audit export` wrote')
    .option('--region <region>', "a region's own logs instead of a file; may be given twice", gather, [])
    .option('--config <file>', 'a configuration file instead of --region; may be given twice', gather, []);
  return withRange(command)
    .option('--tolerance <seconds>', 'how far apart the two clocks may be', wholeNumber, 30)
    .option('--list <count>', 'how many exchanges of each kind are listed', wholeNumber, 20)
    .option('--json', 'print what was found as JSON')
    .addHelpText('after', '\nExit codes: 0 they agree; 1 not done; 2 called wrongly; 3 they differ.')
    .action(async (files: readonly string[], options: Options) => {
      const regions: RegionOptions[] = [
        ...options.region.map((region) => ({ region })),
        ...options.config.map((config) => ({ config })),
      ];
      if (files.length + regions.length !== 2) {
        throw new CommandFailed('Name two: files, --region or --config.', 2);
      }
      const found = await withExtracts(files, regions, options, (one, other) =>
        compared(one, other, options, io),
      );
      if (options.json) io.print(JSON.stringify(found));
      else for (const line of lines(found)) io.print(plain(line));
      if (found.differences.length > 0) io.fail(INCOMPLETE);
    });
}

/** Opens what was named, two of it, one inside the other, so that each is closed however it ends. */
async function withExtracts<Result>(
  [file, ...files]: readonly string[],
  [region, ...regions]: readonly RegionOptions[],
  options: Options,
  action: (...extracts: [LogExtract, LogExtract]) => Promise<Result>,
  opened: readonly LogExtract[] = [],
): Promise<Result> {
  const next = (extract: LogExtract): Promise<Result> =>
    withExtracts(files, file === undefined ? regions : remaining(region, regions), options, action, [
      ...opened,
      extract,
    ]);
  if (file !== undefined) return next(await extractIn(file));
  if (region !== undefined) {
    return withAudit(region, async ({ store, config }) =>
      next(await wholeExtractFrom(store, { region: config.region, ...rangeOf(options, Date.now()) })),
    );
  }
  const [one, other] = opened;
  if (one === undefined || other === undefined) throw new TypeError('two were counted');
  return action(one, other);
}

function remaining(first: RegionOptions | undefined, rest: readonly RegionOptions[]): RegionOptions[] {
  return first === undefined ? [] : [first, ...rest];
}

async function extractIn(file: string): Promise<LogExtract> {
  try {
    return await readExport(createReadStream(file, 'utf8'));
  } catch (error) {
    if (error instanceof MalformedExport) throw malformed(file, error);
    throw new CommandFailed(`${file} cannot be read: name a file that \`audit export\` wrote.`, 2, {
      cause: error,
    });
  }
}

function malformed(file: string, error: MalformedExport): CommandFailed {
  return new CommandFailed(`${file} is no export of a log: ${error.message}.`, 1, { cause: error });
}

async function compared(one: LogExtract, other: LogExtract, options: Options, io: Io): Promise<Comparison> {
  try {
    return await compare(one, other, {
      ...{ toleranceMs: options.tolerance * 1_000, list: options.list, now: Date.now() },
      onProgress: tellingProgress<CompareProgress>(
        io,
        options.json,
        ({ entries, at }) => `${entries} entries read, back to ${new Date(at).toISOString()}`,
      ),
    });
  } catch (error) {
    if (error instanceof NotComparable) throw new CommandFailed(`Not comparable: ${error.message}.`, 2);
    if (error instanceof MalformedExport) throw malformed('An export', error);
    if (error instanceof PrunedMeanwhile)
      throw new CommandFailed('A log was pruned while it was read: try again.');
    throw error;
  }
}

function lines({
  regions,
  from,
  exchanges,
  agreeing,
  differences,
  toldApart,
  archived,
}: Comparison): string[] {
  const [one, other] = regions;
  return [
    `${one} and ${other}: ${exchanges} exchanges compared, ${agreeing} agree.`,
    ...differences.flatMap((found) => [`DIFFERS ${found.code}: ${found.count}`, ...listed(found)]),
    ...toldApart.map(({ code, count }) => `No difference, but told apart: ${code}: ${count}`),
    ...archived.map(
      (region) => `NOT compared: what ${region} wrote before ${new Date(from).toISOString()} is archived.`,
    ),
    differences.length === 0 ? 'They agree.' : 'They do NOT agree.',
  ];
}

function listed({ count, exchanges }: Counted<string>): string[] {
  return [
    ...exchanges.map(
      ({ at, jti, requester }) => `  ${new Date(at).toISOString()}  ${jti}  asked by ${requester}`,
    ),
    ...(count > exchanges.length ? [`  and ${count - exchanges.length} more (see --list)`] : []),
  ];
}
