import { Command } from 'commander';

import { presentStatement } from './present-statement.ts';
import { planFrom, putInPlace, withImporting, type ImportOptions } from './import-certificate.ts';
import type { Io } from './io.ts';
import { forRole, ownRegion, withOwnRegion } from './own-region.ts';
import type { RegionOptions } from './region-config.ts';

interface Options extends RegionOptions, ImportOptions {
  readonly unlistedAnchor?: true;
}

export function importCommand(io: Io): Command {
  const command = withOwnRegion(new Command('import'))
    .description('Put a certificate of ours in place, with its chain and, if it comes with one, its key.')
    .argument('<file>', 'a PEM chain in any order, or PKCS#12')
    .addOption(forRole().makeOptionMandatory())
    .option('--unlisted-anchor', 'our entity statement does not list the authority yet, and that is meant');
  return withImporting(command)
    .addHelpText(
      'after',
      '\nNothing is written unless all of it is right. The former pair is kept as *.former.pem. A broker that reads its' +
        '\nfiles meanwhile never meets a certificate without its key.',
    )
    .action(async (file: string, options: Options) => {
      const places = ownRegion(options);
      const present = await presentStatement(places);
      const planned = await planFrom(places, file, options, present, options.unlistedAnchor ?? false);
      await putInPlace(io, places, planned, options);
    });
}
