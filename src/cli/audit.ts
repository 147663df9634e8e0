import { Command } from 'commander';

import { archiveCommand } from './audit-archive.ts';
import { compareCommand } from './audit-compare.ts';
import { eraseCommand } from './audit-erase.ts';
import { exportCommand } from './audit-export.ts';
import { reportCommand } from './audit-report.ts';
import { rewrapCommand } from './audit-rewrap.ts';
import { sealCommand } from './audit-seal.ts';
import { searchCommand } from './audit-search.ts';
import { statsCommand } from './audit-stats.ts';
import { unusualCommand } from './audit-unusual.ts';
import { verifyArchiveCommand } from './audit-verify-archive.ts';
import { verifyCommand } from './audit-verify.ts';
import type { Io } from './io.ts';
import { strict } from './subcommand.ts';

export function auditCommand(io: Io): Command {
  return new Command('audit')
    .description(
      'The log of what was asked, answered and shown: verify, search, report, compare, archive. The broker may run.',
    )
    .addHelpText(
      'after',
      '\nFor example: wayleave audit verify --region london --json' +
        '\n             wayleave audit search --region london --patient - --from 2026-11-01',
    )
    .addCommand(strict(verifyCommand(io)))
    .addCommand(strict(searchCommand(io)))
    .addCommand(strict(reportCommand(io)))
    .addCommand(strict(exportCommand(io)))
    .addCommand(strict(compareCommand(io)))
    .addCommand(strict(statsCommand(io)))
    .addCommand(strict(unusualCommand(io)))
    .addCommand(strict(eraseCommand(io)))
    .addCommand(strict(rewrapCommand(io)))
    .addCommand(strict(sealCommand(io)))
    .addCommand(strict(archiveCommand(io)))
    .addCommand(strict(verifyArchiveCommand(io)));
}
