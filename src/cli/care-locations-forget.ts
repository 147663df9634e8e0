import { Command, InvalidArgumentError } from 'commander';
import { randomUUID } from 'node:crypto';

import { CareLocationTrail } from '../audit/care-location-trail.ts';
import { forgetBefore } from '../whereabouts/walk-index.ts';
import { adminName } from './admin-name.ts';
import { CommandFailed, type Io } from './io.ts';
import { withAudit } from './open-audit.ts';
import type { RegionOptions } from './region-config.ts';

/** A broker beside it has its turn between two steps. */
const PAUSE_MS = 5;

interface Options extends RegionOptions {
  readonly before: string;
  readonly json?: true;
}

export function forgetCareLocationsCommand(io: Io): Command {
  return new Command('forget')
    .description('Delete from the index what was last seen before a day.')
    .requiredOption('--before <date>', 'a day, as 2016-04-01: what was last seen on it stays', aDay)
    .option('--region <region>', "whose broker's store")
    .option('--config <file>', 'a configuration file instead of --region')
    .option('--json', 'print the count as JSON')
    .action((options: Options) =>
      withAudit(options, async ({ store, log }) => {
        const before = Date.parse(options.before);
        if (before > Date.now()) {
          throw new CommandFailed(
            '--before lies in the future: everything would be deleted. Write a day that is over.',
            2,
          );
        }
        const forgotten = await forgetBefore(store.careLocations, before, PAUSE_MS);
        await new CareLocationTrail(log, adminName()).forgotten(randomUUID(), forgotten, options.before);
        io.print(options.json ? JSON.stringify({ forgotten }) : `${forgotten} locations deleted.`);
      }),
    );
}

function aDay(text: string): string {
  const date = /^\d{4}-\d\d-\d\d$/.test(text) ? new Date(`${text}T00:00:00Z`) : undefined;
  if (date === undefined || Number.isNaN(date.getTime()) || !date.toISOString().startsWith(text)) {
    throw new InvalidArgumentError('Write a day, as 2016-04-01.');
  }
  return text;
}
