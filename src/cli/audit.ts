import { Command } from 'commander';

import { eraseCommand } from './audit-erase.ts';
import { searchCommand } from './audit-search.ts';
import { verifyCommand } from './audit-verify.ts';
import type { Io } from './io.ts';
import { strict } from './subcommand.ts';

export function auditCommand(io: Io): Command {
  return new Command('audit')
    .description('The log of what was asked, answered and shown: verify, search, erase. The broker may run.')
    .addCommand(strict(verifyCommand(io)))
    .addCommand(strict(searchCommand(io)))
    .addCommand(strict(eraseCommand(io)));
}
