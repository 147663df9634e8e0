import { Command } from 'commander';

import { startDemo, welcome } from '../demo/demo.ts';
import { prepareKeys } from '../demo/prepare.ts';
import { fifthRecordCommand } from './demo-fifth-record.ts';
import type { Io } from './io.ts';
import { CONFIG_DIRECTORY, DEVELOPMENT_KEYS } from './region-config.ts';
import { strict } from './subcommand.ts';

export function demoCommand(io: Io): Command {
  return new Command('demo')
    .enablePositionalOptions()
    .addCommand(strict(fifthRecordCommand(io)))
    .description(
      'Run the four regions on this machine until Ctrl-C: brokers, records and a demographics service.',
    )
    .option('--records <directory>', 'load FHIR bundles (as Synthea writes them) beside the stories')
    .option('--prepare', 'only make the development keys and statements')
    .option('--json', 'with --prepare: say what was made as JSON')
    .action(async (options: { records?: string; prepare?: true; json?: true }) => {
      const places = { configs: CONFIG_DIRECTORY, keys: DEVELOPMENT_KEYS };
      if (options.prepare) {
        const made = await prepareKeys(places, new Date());
        const said = made.length === 0 ? 'Everything was there.' : `Made for ${made.join(', ')}.`;
        return io.print(options.json ? JSON.stringify({ made }) : said);
      }
      const stopped = io.stopped();
      const demo = await startDemo({
        ...places,
        node: io.node,
        pid: io.pid,
        records: options.records,
        say: io.print,
      });
      for (const line of welcome(demo.configs)) io.print(line);
      await stopped;
      io.print('Stopping.');
      await demo.stop();
    });
}
