import { Command } from 'commander';
import { resolve } from 'node:path';

import { BACKUP_FILES, openSnapshot } from '../broker.ts';
import { takeBackup, type Backup } from '../recovery/take-backup.ts';
import type { CopyProgress } from '../store/copying.ts';
import type { Io } from './io.ts';
import { tellingProgress } from './progress.ts';
import { regionConfig, type RegionOptions } from './region-config.ts';
import { VERSION } from './version.ts';

interface Options extends RegionOptions {
  readonly out: string;
  readonly json?: true;
}

export function backupCommand(io: Io): Command {
  return new Command('backup')
    .description(
      "Copy everything that a broker's store holds into one file, beside the broker that runs on it.",
    )
    .option('--region <region>', "whose broker's store")
    .option('--config <file>', 'a configuration file instead of --region')
    .requiredOption('--out <file>', 'where to: a SQLite file, whatever the store is; never over another')
    .option('--json', 'print what was copied as JSON')
    .addHelpText(
      'after',
      '\nIt holds everything that the store holds, sealed as it is there: with the secrets it opens. `audit erase`' +
        '\ndoes not reach it. Check one with `wayleave audit verify --backup FILE`.',
    )
    .action(async (options: Options) => {
      const config = regionConfig(options);
      const backup = await takeBackup(() => openSnapshot(config), {
        ...{ file: resolve(options.out), region: config.region, entity: config.entity },
        ...{ program: VERSION, files: BACKUP_FILES, now: Date.now },
        onProgress: tellingProgress<CopyProgress>(
          io,
          options.json,
          ({ done, rows }) => `${done} of ${rows} rows`,
        ),
      });
      if (options.json) io.print(JSON.stringify(backup));
      else for (const line of linesOf(backup)) io.print(line);
    });
}

function linesOf({ region, taken_at, logs, rows }: Backup): string[] {
  const count = Object.values(rows).reduce((sum, one) => sum + one, 0);
  return [
    `${region} as it was at ${taken_at}: ${count} rows.`,
    ...logs.map(
      ({ log, size, next }) =>
        `${log}: ${size} entries${next === undefined ? '' : `, ended; ${next} follows`}`,
    ),
  ];
}
