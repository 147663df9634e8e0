import { Command } from 'commander';

import { Directory } from '../routing/directory.ts';
import { explainCode, type ExplainedCode } from '../routing/explain-code.ts';
import { ImportedDirectory } from '../routing/imported-directory.ts';
import { FILES_HELP } from './directory-import.ts';
import { CommandFailed, type Io } from './io.ts';
import {
  datedFiles,
  dayArgument,
  middleOf,
  prepared,
  withDirectory,
  type OpenDirectory,
} from './open-directory.ts';
import type { RegionOptions } from './region-config.ts';
import { plain } from './subcommand.ts';
import { columns } from './tell.ts';

interface Options extends RegionOptions {
  readonly asOf?: string;
  readonly from?: string;
  readonly to?: string;
  readonly json?: true;
}

/** What of a code is compared. */
const COMPARED = ['name', 'status', 'subIcb', 'icb', 'organisation', 'region', 'successor', 'rule'] as const;
type Compared = Partial<Pick<ExplainedCode, (typeof COMPARED)[number]>>;

interface Difference {
  readonly code: string;
  readonly name: string;
  readonly before: Compared;
  readonly after: Compared;
}

const MOST_LINES = 200;

export function diffCommand(io: Io): Command {
  return new Command('diff')
    .description('What importing files would change today, or how the directory differs between two days.')
    .argument('[file...]', 'CSV files, unpacked; they are not imported')
    .option('--as-of <date>', 'the day that the files show', dayArgument)
    .option('--from <date>', 'without files: the earlier day', dayArgument)
    .option('--to <date>', 'without files: the later day (default: today)', dayArgument)
    .option('--region <region>', "whose broker's directory")
    .option('--config <file>', 'a configuration file instead of --region')
    .option('--json', 'print every difference as JSON')
    .addHelpText('after', FILES_HELP)
    .action(async (names: string[], options: Options) => {
      if (names.length > 0 === (options.from !== undefined)) {
        throw new CommandFailed('Name files, or days with --from and --to.', 2);
      }
      await withDirectory(options, async (open) => {
        const found =
          names.length > 0 ? await byImport(open, names, options) : betweenDays(open.directory, options);
        if (options.json) return io.print(JSON.stringify({ differences: found }));
        tell(found, io);
      });
    });
}

async function byImport(
  { store, config, directory }: OpenDirectory,
  names: readonly string[],
  { asOf }: Options,
): Promise<Difference[]> {
  const now = Date.now();
  const { after } = prepared(await store.directory.read(), datedFiles(names, asOf, now), now);
  const then = new Directory(config.directory, new ImportedDirectory(after));
  return differences([directory, now], [then, now]);
}

function betweenDays(directory: Directory, { from, to }: Options): Difference[] {
  return differences([directory, middleOf(from, 0)], [directory, middleOf(to, Date.now())]);
}

type AsOf = readonly [directory: Directory, at: number];

function differences(before: AsOf, after: AsOf): Difference[] {
  const codes = new Set(
    [before, after].flatMap(([directory]) => [...directory.imported.codes(), ...directory.listedCodes()]),
  );
  return [...codes].sort().flatMap((code) => {
    const [one, other] = [explainCode(before[0], code, before[1]), explainCode(after[0], code, after[1])];
    const changed = COMPARED.filter((name) => one?.[name] !== other?.[name]);
    if (changed.length === 0) return [];
    const of = (explained: ExplainedCode | undefined): Compared =>
      Object.fromEntries(
        changed.flatMap((name) => (explained?.[name] === undefined ? [] : [[name, explained[name]]])),
      );
    return [{ code, name: other?.name ?? one?.name ?? '', before: of(one), after: of(other) }];
  });
}

function tell(found: readonly Difference[], io: Io): void {
  const rows = found.slice(0, MOST_LINES).map(({ code, name, before, after }) => {
    const what = COMPARED.filter((one) => one in before || one in after).map(
      (one) => `${one} ${before[one] ?? '-'} -> ${after[one] ?? '-'}`,
    );
    return [code, plain(name), plain(what.join(', '))];
  });
  for (const line of columns(rows)) io.print(line);
  if (found.length > MOST_LINES) io.print(`and ${found.length - MOST_LINES} more (--json has all)`);
  io.print(`${found.length} codes differ.`);
}
