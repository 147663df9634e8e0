import { Command } from 'commander';
import { resolve } from 'node:path';

import { Keyring } from '../audit/sealing.ts';
import { auditLogAt, BACKUP_FILES, openFilling } from '../broker.ts';
import { storeSecrets } from '../config/secrets.ts';
import { sealDecision } from '../recovery/decision.ts';
import { CommandRefused } from '../recovery/refused.ts';
import { checkBackup, restoreBackup } from '../recovery/restore.ts';
import type { Backup } from '../recovery/take-backup.ts';
import type { Store } from '../store/contracts.ts';
import type { CopyProgress } from '../store/copying.ts';
import { NEWEST_VERSION } from '../store/migrations/migrate.ts';
import { CommandFailed, type Io } from './io.ts';
import { logKeysOf } from './log-keys.ts';
import { tellingProgress } from './progress.ts';
import { regionConfig, type RegionOptions } from './region-config.ts';

interface Options extends RegionOptions {
  readonly reason: string;
  readonly by: string;
  readonly json?: true;
}

export function restoreCommand(io: Io): Command {
  return new Command('restore')
    .description(
      'Put a backup into an empty store. A broker on it starts closed, until `wayleave trust confirm`.',
    )
    .argument('<file>', 'as `wayleave backup` wrote it')
    .option('--region <region>', "whose broker's store: the configuration names it, and nothing is there yet")
    .option('--config <file>', 'a configuration file instead of --region')
    .requiredOption('--reason <text>', 'why; kept sealed, and put into the log when the store is opened')
    .requiredOption('--by <name>', 'who decides it; kept sealed as well')
    .option('--json', 'print what was put back as JSON')
    .action(async (file: string, options: Options) => {
      try {
        const backup = await restore(resolve(file), options, io);
        if (options.json) return io.print(JSON.stringify(backup));
        io.print(`The store of ${backup.region} is as it was at ${backup.taken_at}, and is closed.`);
        io.print('A broker on it serves nothing until `wayleave trust confirm`.');
        io.print('Import objections again: those of after that moment are not in it.');
      } catch (error) {
        if (error instanceof CommandRefused) throw new CommandFailed(error.message, 1, { cause: error });
        throw error;
      }
    });
}

async function restore(file: string, options: Options, io: Io): Promise<Backup> {
  const config = regionConfig(options);
  const { auditKeys } = storeSecrets(config.secretsDirectory);
  const keyring = new Keyring(auditKeys);
  const settings = {
    ...{ file, files: BACKUP_FILES, region: config.region, entity: config.entity, version: NEWEST_VERSION },
    logIn: auditLogAt(config),
    keysOf: (store: Store, origin: string) => logKeysOf({ config, store }, origin),
  };
  const backup = await checkBackup(settings);
  const decided = sealDecision({ by: options.by, reason: options.reason }, keyring);
  const onProgress = tellingProgress<CopyProgress>(
    io,
    options.json,
    ({ done, rows }) => `${done} of ${rows} rows`,
  );
  await restoreBackup(backup, settings, () => openFilling(config), { decided }, Date.now, onProgress);
  return backup;
}
