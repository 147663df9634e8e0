import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { loadConfig, readConfigFile, type Config } from '../config/load.ts';
import type { ConfigFile } from '../config/schema.ts';
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
export function regionConfig(options: RegionOptions): Config {
  return loadConfig(regionFile(options));
}

/** Of a configuration, what it takes to ask its broker. */
export interface WrittenConfig extends Pick<ConfigFile, 'region' | 'entity' | 'listeners'> {
  /** Absolute. */
  readonly source: string;
}

/**
 * The same as its file alone has it, for what asks a broker that runs: none of the files that it names is read, so that it works
 * while one of them is cut.
 *
 * @throws CommandFailed, StartError
 */
export function writtenConfig(options: RegionOptions): WrittenConfig {
  const source = resolve(regionFile(options));
  return { ...readConfigFile(source), source };
}

/** @throws CommandFailed for a region without a file */
export function regionFile({ region, config }: RegionOptions): string {
  if (config !== undefined) return config;
  if (region === undefined)
    throw new CommandFailed('Name a region with --region, or a file with --config.', 2);
  if (knownRegions().includes(region)) return join(CONFIG_DIRECTORY, `${region}.yaml`);
  throw new CommandFailed(
    `--region ${region} has no file in config: write one of ${knownRegions().join(', ')}.`,
    2,
  );
}

export function knownRegions(): string[] {
  return readdirSync(CONFIG_DIRECTORY)
    .filter((name) => name.endsWith('.yaml') && name !== 'directory.yaml')
    .map((name) => name.slice(0, -'.yaml'.length))
    .sort();
}
