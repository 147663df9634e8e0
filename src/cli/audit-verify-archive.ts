import { Command } from 'commander';

import { verifyArchive } from '../audit/archive/verify-archive.ts';
import type { SegmentVerdict } from '../audit/archive/verify-segment.ts';
import { segmentSource } from './archive-option.ts';
import { keysIn, withFederationKeys } from './federation-keys.ts';
import type { Io } from './io.ts';
import { stepLine } from './step-line.ts';
import { plain } from './subcommand.ts';

interface Options {
  readonly federationKey?: string[];
  readonly json?: true;
}

export function verifyArchiveCommand(io: Io): Command {
  const command = new Command('verify-archive')
    .description(
      'Verify archived segments of a log. Needs no network, no store, no keys and no configuration.',
    )
    .argument('<file...>', 'as `audit archive` wrote them; those of one log must go on from one another');
  return withFederationKeys(command)
    .option('--json', 'print the steps as JSON')
    .addHelpText(
      'after',
      '\nExit codes: 0 all that can be checked holds; 1 something does not; 2 called wrongly.',
    )
    .action(async (names: readonly string[], options: Options) => {
      const sources = await Promise.all(names.map(segmentSource));
      const federationKeys = options.federationKey?.flatMap(keysIn);
      const tell = (name: string, verdict: SegmentVerdict): void => {
        for (const line of lines(name, verdict)) io.print(line);
      };
      const verdict = await verifyArchive(sources, { federationKeys }, options.json ? undefined : tell);
      if (options.json) io.print(JSON.stringify(verdict));
      else for (const step of verdict.joins) io.print(stepLine(step));
      if (!options.json) io.print(verdict.holds ? 'All that could be checked holds.' : 'This does NOT hold.');
      if (!verdict.holds) io.fail(1);
    });
}

function lines(name: string, { steps, summary }: SegmentVerdict): string[] {
  if (summary === undefined) return [plain(name), ...steps.map(stepLine)];
  const { from, to, oldest, newest, sha256 } = summary;
  const [first, last] = [oldest, newest].map((at) => new Date(at).toISOString());
  const head = `${name}: ${to - from} entries of ${summary.origin}, from ${first} to ${last}`;
  return [plain(head), `SHA-256 ${sha256}`, ...steps.map(stepLine)];
}
