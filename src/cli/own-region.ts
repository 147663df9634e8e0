import { Option, type Command } from 'commander';

import { ownPlaces, type OwnPlaces } from '../config/own-places.ts';
import { regionFile, type RegionOptions } from './region-config.ts';

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
export function ownRegion(options: RegionOptions): OwnPlaces {
  return ownPlaces(regionFile(options));
}
