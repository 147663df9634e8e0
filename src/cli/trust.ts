import { Command } from 'commander';

import type { Io } from './io.ts';
import { strict } from './subcommand.ts';
import { checkCommand } from './trust-check.ts';
import { confirmCommand } from './trust-confirm.ts';

export function trustCommand(io: Io): Command {
  return new Command('trust')
    .description('Whom we trust.')
    .addCommand(strict(checkCommand(io)))
    .addCommand(strict(confirmCommand(io)));
}
