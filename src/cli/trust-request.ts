import { Command } from 'commander';

import { authoritiesIn } from './certificates-in.ts';
import { presentStatement } from './present-statement.ts';
import type { Io } from './io.ts';
import { refuseExisting } from './new-file.ts';
import { ownRegion, withOwnRegion } from './own-region.ts';
import type { RegionOptions } from './region-config.ts';
import { claimsJson, claimsLine, collectClaims, writeClaims } from './statement-claims.ts';
import { gather, wholeNumber } from './subcommand.ts';

interface Options extends RegionOptions {
  readonly out: string;
  readonly anchor?: readonly string[];
  readonly days?: number;
  readonly json?: true;
}

export function requestCommand(io: Io): Command {
  return withOwnRegion(new Command('request'))
    .description(
      'Collect what our next entity statement is to say, to be signed where the federation key is.',
    )
    .requiredOption('--out <file>', 'where to write it; it holds nothing secret')
    .option(
      '--anchor <file>',
      'an authority to list, in the place of the present ones; may be given again',
      gather,
    )
    .option('--days <n>', 'how long the statement is to be good for', wholeNumber)
    .option('--json', 'print what was collected as JSON')
    .addHelpText(
      'after',
      '\nIt takes the configuration, the public halves of the keys in use and next, and the logs and anchors of the' +
        '\npresent statement.',
    )
    .action(async (options: Options) => {
      refuseExisting(options.out);
      const places = ownRegion(options);
      const claims = await collectClaims(places, options.out, {
        present: await presentStatement(places),
        anchors: authoritiesIn(options.anchor),
        days: options.days,
      });
      writeClaims(claims);
      io.print(options.json ? JSON.stringify(claimsJson(claims)) : claimsLine(claims));
    });
}
