import { Command } from 'commander';

import type { Io } from './io.ts';
import { signingActivateCommand } from './rotate/signing-activate.ts';
import { signingPrepareCommand } from './rotate/signing-prepare.ts';
import { signingRetireCommand } from './rotate/signing-retire.ts';
import { signingStatusCommand } from './rotate/signing-status.ts';
import { tlsActivateCommand } from './rotate/tls-activate.ts';
import { tlsPrepareCommand } from './rotate/tls-prepare.ts';
import { tlsRetireCommand } from './rotate/tls-retire.ts';
import { tlsStatusCommand } from './rotate/tls-status.ts';
import { strict } from './subcommand.ts';

export function rotateCommand(io: Io): Command {
  return new Command('rotate')
    .description('Change our own keys with overlap: published first, then used, then retired.')
    .addCommand(strict(signingCommand(io)))
    .addCommand(strict(tlsCommand(io)));
}

function signingCommand(io: Io): Command {
  return new Command('signing')
    .description('The key that signs our queries and responses.')
    .addCommand(strict(signingStatusCommand(io)), { isDefault: true })
    .addCommand(strict(signingPrepareCommand(io)))
    .addCommand(strict(signingActivateCommand(io)))
    .addCommand(strict(signingRetireCommand(io)));
}

function tlsCommand(io: Io): Command {
  return new Command('tls')
    .description('Our TLS certificates with their keys, and the authorities that issue them.')
    .addCommand(strict(tlsStatusCommand(io)), { isDefault: true })
    .addCommand(strict(tlsPrepareCommand(io)))
    .addCommand(strict(tlsActivateCommand(io)))
    .addCommand(strict(tlsRetireCommand(io)));
}
