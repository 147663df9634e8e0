import { Command } from 'commander';

import type { Verdict } from '../audit/proof/verdict.ts';
import { verifyEvidence } from '../audit/proof/verify-file.ts';
import { exportCommand } from './evidence-export.ts';
import { keysIn, readBytes, withFederationKeys } from './federation-keys.ts';
import { INCOMPLETE, type Io } from './io.ts';
import { stepLine } from './step-line.ts';
import { strict } from './subcommand.ts';

export function evidenceCommand(io: Io): Command {
  return new Command('evidence')
    .description(
      'Who asked, who answered, and what was given: write it to a file, and prove it from that file.',
    )
    .addHelpText(
      'after',
      '\nFor example: wayleave evidence export 3 --region london --out proof.json' +
        '\n             wayleave evidence verify proof.json --body answer.json --json',
    )
    .addCommand(strict(exportCommand(io)))
    .addCommand(strict(verifyCommand(io)));
}

function verifyCommand(io: Io): Command {
  const command = new Command('verify')
    .description('Say step by step what a file proves. Needs no network, no store and no configuration.')
    .argument('<file>', 'as `evidence export` wrote it')
    .option('--body <file>', 'the answer: a Bundle as it travelled or as the viewer saw it, or one resource');
  return withFederationKeys(command)
    .option('--json', 'print the steps as JSON')
    .addHelpText(
      'after',
      '\nExit codes: 0 all that can be checked holds; 1 something does not; 2 called wrongly; 3 all of it holds, and a' +
        '\nWARNING must be read first: a key that signed was revoked.',
    )
    .action(async (file: string, options: { body?: string; federationKey?: string[]; json?: true }) => {
      const verdict = await verifyEvidence(readBytes(file), {
        federationKeys: options.federationKey?.flatMap(keysIn),
        body: options.body === undefined ? undefined : readBytes(options.body),
      });
      if (options.json) io.print(JSON.stringify(verdict));
      else for (const step of verdict.steps) io.print(stepLine(step));
      if (!options.json) io.print(lastWord(verdict));
      if (!verdict.clean) io.fail(verdict.holds ? INCOMPLETE : 1);
    });
}

function lastWord({ holds, clean }: Verdict): string {
  if (!holds) return 'This does NOT hold.';
  return clean
    ? 'All that could be checked holds.'
    : 'All that could be checked holds, with a WARNING: read it before you rely on this.';
}
