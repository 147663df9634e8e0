import { Command } from 'commander';
import { randomUUID } from 'node:crypto';

import { CommandFailed, type Io } from './io.ts';
import { namedLog } from './named-log.ts';
import { withAudit, type OpenAudit } from './open-audit.ts';
import type { RegionOptions } from './region-config.ts';
import { wholeNumber } from './subcommand.ts';

interface Options extends RegionOptions {
  readonly log?: string;
  readonly reason: string;
  readonly yes?: true;
  readonly json?: true;
}

const MOST_AT_ONCE = 1_000;

export function eraseCommand(io: Io): Command {
  return new Command('erase')
    .description(
      'Erase what entries hold sealed: who, about whom, the signed messages. Every proof stays whole.',
    )
    .argument('<sequence...>', 'which entries, by their numbers', gather)
    .requiredOption('--reason <text>', 'why; kept sealed in the log')
    .option('--region <region>', "whose broker's log")
    .option('--config <file>', 'a configuration file instead of --region')
    .option('--log <origin>', 'which log, where it is not the one that is written now')
    .option('--yes', 'it cannot be undone, and is meant')
    .option('--json', 'print what was erased as JSON')
    .action(async (given: readonly number[], options: Options) => {
      const sequences = [...new Set(given)].toSorted((one, other) => one - other);
      if (sequences.length > MOST_AT_ONCE) {
        throw new CommandFailed(`Erase at most ${MOST_AT_ONCE} entries at once.`, 2);
      }
      if (!options.yes) {
        const what = `what ${sequences.length} entries hold sealed`;
        throw new CommandFailed(`This erases ${what} and cannot be undone: add --yes if that is meant.`, 2);
      }
      await withAudit(options, (audit) => erase(sequences, options, audit));
      io.print(options.json ? JSON.stringify({ erased: sequences }) : `${sequences.length} erased.`);
    });
}

async function erase(
  sequences: readonly number[],
  { reason, log: named }: Options,
  audit: OpenAudit,
): Promise<void> {
  const { store, log, trail } = audit;
  const origin = await namedLog(audit, named);
  const { size } = await store.log.head(origin);
  const beyond = sequences.find((sequence) => sequence >= size);
  if (beyond !== undefined) {
    throw new CommandFailed(`${origin} has no entry ${beyond}: nothing was erased.`);
  }
  // First that it is done: what is gone without a word cannot be told from what was stolen.
  await trail.entriesErased(randomUUID(), sequences, reason, origin === log.origin ? undefined : origin);
  await store.log.erase(origin, sequences);
}

function gather(text: string, given: readonly number[] = []): number[] {
  return [...given, wholeNumber(text)];
}
