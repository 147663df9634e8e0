import { Command } from 'commander';

import { sealLog, type Sealed } from '../audit/succession/seal-log.ts';
import type { Progress } from '../audit/whole-log/verify-log.ts';
import { Checkpoints } from '../audit/witnessing/checkpoints.ts';
import { importSigner } from '../evidence/keys.ts';
import { logOrigin } from '../tlog/origin.ts';
import { CommandFailed, type Io } from './io.ts';
import { logKeysOf } from './log-keys.ts';
import { withAudit, type OpenAudit } from './open-audit.ts';
import { tellingProgress } from './progress.ts';
import type { RegionOptions } from './region-config.ts';

interface Options extends RegionOptions {
  readonly reason: string;
  readonly by: string;
  readonly whole?: true;
  readonly yes?: true;
  readonly json?: true;
}

export function sealCommand(io: Io): Command {
  return new Command('seal')
    .description('End a log that is broken, with the break recorded, and begin the one that follows it.')
    .option('--region <region>', "whose broker's log")
    .option('--config <file>', 'a configuration file instead of --region')
    .requiredOption('--reason <text>', 'why; kept sealed in the new log')
    .requiredOption('--by <name>', 'who decides it; kept sealed in the new log')
    .option('--whole', 'end it though nothing is wrong with it')
    .option('--yes', 'it cannot be undone, and is meant')
    .option('--json', 'print what was found and done as JSON')
    .addHelpText(
      'after',
      '\nVerifies the log first, which takes a while. A broker that runs on it releases nothing from then on, and' +
        '\ngoes on with the new log by itself. Neighbours see it. Nothing is deleted.',
    )
    .action(async (options: Options) => {
      if (!options.yes) throw new CommandFailed('This ends a log for good: add --yes if that is meant.', 2);
      const sealed = await withAudit(options, (audit) => seal(audit, options, io));
      if (options.json) return io.print(JSON.stringify(sealed));
      const { fault } = sealed.verdict;
      const found =
        fault === undefined ? 'It was whole.' : `Broken at entry ${fault.sequence} (${fault.kind}).`;
      io.print(`${sealed.verdict.origin} has ended. ${found}`);
      io.print(`${sealed.next} goes on.`);
    });
}

async function seal(
  { config, secrets, store, log }: OpenAudit,
  options: Options,
  io: Io,
): Promise<Extract<Sealed, { outcome: 'sealed' }>> {
  const { closed } = await store.state.read();
  if (closed !== undefined) {
    throw new CommandFailed('The store is closed: `wayleave trust confirm` ends its logs when it opens it.');
  }
  const { key } = await importSigner(secrets.logKey);
  const { origin } = log;
  const sealed = await sealLog({
    ...{ store, log, listed: logOrigin(config.entity, config.replica) },
    keys: await logKeysOf({ config, store }, origin),
    checkpoints: new Checkpoints({
      ...{ log: store.log, checkpoints: store.checkpoints },
      origin,
      key,
      now: Date.now,
    }),
    decision: { by: options.by, reason: options.reason },
    whole: options.whole ?? false,
    now: Date.now,
    onProgress: tellingProgress<Progress>(
      io,
      options.json,
      ({ done, size }) => `${done} of ${size} entries hold`,
    ),
  });
  if (sealed.outcome === 'sealed') return sealed;
  throw new CommandFailed(
    sealed.outcome === 'is-whole'
      ? `${origin} is whole, and was not ended: add --whole if it is to end all the same.`
      : `${origin} was ended by another meanwhile: see \`wayleave audit verify\`.`,
  );
}
