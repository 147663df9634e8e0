import { Option, type Command } from 'commander';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { ownPlaces, type OwnPlaces } from '../config/own-places.ts';
import { CommandFailed } from './io.ts';
import { CONFIG_DIRECTORY, knownRegions, type RegionOptions } from './region-config.ts';

/** The options of a command that works on the files of a region's own keys and certificates. */
export function withOwnRegion(command: Command): Command {
  return command
    .option('--config <file>', "the region's configuration file")
    .option('--region <region>', 'a region of the demo, instead of --config');
}

/** `--for` of a command that is about one of our certificates. */
export function forRole(): Option {
  return new Option('--for <role>', 'which of our certificates').choices(['server', 'client']);
}

/** @throws CommandFailed, StartError */
export function ownRegion({ region, config }: RegionOptions): OwnPlaces {
  if (config !== undefined) return ownPlaces(config);
  if (region === undefined)
    throw new CommandFailed('Name a file with --config, or a region with --region.', 2);
  const file = join(CONFIG_DIRECTORY, `${region}.yaml`);
  if (knownRegions().includes(region) && existsSync(file)) return ownPlaces(file);
  throw new CommandFailed(
    `--region ${region} has no file in config: write one of ${knownRegions().join(', ')}.`,
    2,
  );
}
