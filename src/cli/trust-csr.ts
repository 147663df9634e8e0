import { Command } from 'commander';

import type { TlsRole } from '../trust/key-pair-files.ts';
import { askAuthority, withAsking, type AskingOptions } from './ask-authority.ts';
import type { Io } from './io.ts';
import { forRole, ownRegion, withOwnRegion } from './own-region.ts';
import type { RegionOptions } from './region-config.ts';

interface Options extends RegionOptions, AskingOptions {
  readonly for: TlsRole;
  readonly newKey?: true;
}

export function csrCommand(io: Io): Command {
  const command = withOwnRegion(new Command('csr'))
    .description('Make a certification request (PKCS#10) for one of our TLS keys.')
    .addOption(forRole().makeOptionMandatory())
    .option(
      '--new-key',
      'for a new key, which is written beside the present one and used once its certificate is in',
    );
  return withAsking(command, 'write it there (default: print it)')
    .addHelpText(
      'after',
      '\nIt asks for our entity identifier as the one URI name and for the usage of the role. It holds nothing secret.',
    )
    .action((options: Options) =>
      askAuthority(io, ownRegion(options), options.for, options, options.newKey ?? false),
    );
}
