import { Command } from 'commander';

import { openStore } from '../broker.ts';
import { countIndex, type IndexStats } from '../whereabouts/walk-index.ts';
import type { Io } from './io.ts';
import { tellingProgress } from './progress.ts';
import { regionConfig, type RegionOptions } from './region-config.ts';

export function careLocationStatsCommand(io: Io): Command {
  return new Command('stats')
    .description('Count patients, locations and organisations in the index, by source. It names nobody.')
    .option('--region <region>', "whose broker's store")
    .option('--config <file>', 'a configuration file instead of --region')
    .option('--json', 'print the counts as JSON')
    .action(async (options: RegionOptions & { json?: true }) => {
      const store = await openStore(regionConfig(options));
      try {
        const tell = tellingProgress<number>(io, options.json, (locations) => `${locations} locations`);
        const stats = await countIndex(store.careLocations, tell);
        if (options.json) io.print(JSON.stringify(inDays(stats)));
        else for (const line of linesOf(stats)) io.print(line);
      } finally {
        await store.close();
      }
    });
}

function inDays({ sources, ...counts }: IndexStats): object {
  return {
    ...counts,
    sources: sources.map(({ firstSeen, lastSeen, ...source }) => ({
      ...source,
      ...{ firstSeen: dateOf(firstSeen), lastSeen: dateOf(lastSeen) },
    })),
  };
}

function linesOf({ patients, locations, organisations, sources }: IndexStats): string[] {
  return [
    `${patients} patients, ${locations} locations, ${organisations} organisations and sites.`,
    ...sources.map(
      ({ source, locations: count, firstSeen, lastSeen }) =>
        `${source}: ${count} locations, first seen from ${dateOf(firstSeen)} on, last seen up to ${dateOf(lastSeen)}`,
    ),
  ];
}

const dateOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
