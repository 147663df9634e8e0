import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { loadConfig, type Config } from '../config/load.ts';
import { CommandFailed } from './io.ts';

/** The configuration files that come with the project, one per region of the demo. */
export const CONFIG_DIRECTORY = resolve(import.meta.dirname, '../../config');

/** Where the development keys are. */
export const DEVELOPMENT_KEYS = resolve(import.meta.dirname, '../../certs-dev/generated');

export interface RegionOptions {
  readonly region?: string;
  readonly config?: string;
}

/** The configuration that `--config FILE` or `--region R` names. @throws CommandFailed, StartError */
export function regionConfig({ region, config }: RegionOptions): Config {
  if (config !== undefined) return loadConfig(config);
  if (region === undefined)
    throw new CommandFailed('Name a region with --region, or a file with --config.', 2);
  const file = join(CONFIG_DIRECTORY, `${region}.yaml`);
  if (!/^[a-z0-9-]+$/.test(region) || !existsSync(file)) {
    throw new CommandFailed(
      `--region ${region} has no file in config: write one of ${knownRegions().join(', ')}.`,
      2,
    );
  }
  return loadConfig(file);
}

export function knownRegions(): string[] {
  return readdirSync(CONFIG_DIRECTORY)
    .filter((name) => name.endsWith('.yaml') && name !== 'directory.yaml')
    .map((name) => name.slice(0, -'.yaml'.length))
    .sort();
}
