import { Command } from 'commander';

import { diffCommand } from './directory-diff.ts';
import { importCommand } from './directory-import.ts';
import { listCommand, regionsCommand } from './directory-list.ts';
import { showCommand } from './directory-show.ts';
import type { Io } from './io.ts';
import { strict } from './subcommand.ts';

export function directoryCommand(io: Io): Command {
  return new Command('directory')
    .description(
      'The published directory of practices, trusts and sites: import it, and say where a code leads.',
    )
    .addCommand(strict(importCommand(io)))
    .addCommand(strict(diffCommand(io)))
    .addCommand(strict(showCommand(io)))
    .addCommand(strict(listCommand(io)))
    .addCommand(strict(regionsCommand(io)));
}
