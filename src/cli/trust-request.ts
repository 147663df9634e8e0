import { Command } from 'commander';

import { collectRequest } from '../config/own-request.ts';
import { statementRequestText } from '../config/statement-request-file.ts';
import { logOrigin } from '../tlog/origin.ts';
import { authoritiesIn } from './certificates-in.ts';
import { presentStatement } from './held-anchors.ts';
import type { Io } from './io.ts';
import { refuseExisting, writeNewFile } from './new-file.ts';
import { ownRegion, withOwnRegion } from './own-region.ts';
import type { RegionOptions } from './region-config.ts';
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
      const { entity, replica } = places.config;
      const request = await collectRequest(places, {
        present: await presentStatement(places),
        logOrigin: logOrigin(entity, replica),
        anchors: authoritiesIn(options.anchor),
        days: options.days,
      });
      const text = statementRequestText(request);
      writeNewFile(options.out, text);
      if (options.json)
        return io.print(JSON.stringify({ out: options.out, claims: JSON.parse(text) as unknown }));
      io.print(
        `${options.out}: carry it to the federation key and sign it there with \`wayleave trust sign\`.`,
      );
    });
}
