import { Command } from 'commander';

import { importCareLocationsCommand } from './care-locations-import.ts';
import { forgetCareLocationsCommand } from './care-locations-forget.ts';
import { careLocationStatsCommand } from './care-locations-stats.ts';
import type { Io } from './io.ts';
import { strict } from './subcommand.ts';

export function careLocationsCommand(io: Io): Command {
  return new Command('care-locations')
    .description("Where this region's patients were treated: the region's own index. The broker may run.")
    .addHelpText(
      'after',
      '\nFor example: wayleave care-locations import encounters.ndjson --region london' +
        '\n             wayleave care-locations stats --region london --json',
    )
    .addCommand(strict(importCareLocationsCommand(io)))
    .addCommand(strict(careLocationStatsCommand(io)))
    .addCommand(strict(forgetCareLocationsCommand(io)));
}
