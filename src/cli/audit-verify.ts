import { Command } from 'commander';

import { wasRecorded } from '../audit/whole-log/check-end.ts';
import {
  NoSuchCheckpoint,
  verifyLog,
  type LogVerdict,
  type Progress,
} from '../audit/whole-log/verify-log.ts';
import { archivedLines, checkArchived } from './archived-part.ts';
import { CommandFailed, type Io } from './io.ts';
import { logKeysOf } from './log-keys.ts';
import { namedLog, originsIn } from './named-log.ts';
import { withAudit, type OpenAudit } from './open-audit.ts';
import { tellingProgress } from './progress.ts';
import type { RegionOptions } from './region-config.ts';
import { plain, wholeNumber } from './subcommand.ts';

interface Options extends RegionOptions {
  readonly from?: number;
  readonly log?: string;
  readonly sealed?: true;
  readonly archive?: string;
  readonly backup?: string;
  readonly json?: true;
}

/** What was found of one log; `recorded`: the fault is the one that the log was ended for. */
type Found = LogVerdict & { readonly seconds: number; readonly recorded?: boolean };

export function verifyCommand(io: Io): Command {
  return new Command('verify')
    .description(
      'Verify the whole of each log in the store: every entry in its place, every tile, every signed checkpoint, ' +
        'the head, the end.',
    )
    .option('--region <region>', "whose broker's logs")
    .option('--config <file>', 'a configuration file instead of --region')
    .option('--backup <file>', "the logs in that backup in the place of the store; the keys are the region's")
    .option('--log <origin>', 'one log alone (default: every log of the store, one after another)')
    .option(
      '--from <size>',
      'begin at a checkpoint of that many entries, on its signed root; of one log: --log, or the one written now',
      wholeNumber,
    )
    .option('--sealed', 'open what is sealed as well, and check what entries are found by (slower)')
    .option('--archive <directory>', 'verify there what was archived and pruned, so that nothing is left out')
    .option('--json', 'print what was found as JSON, a line a log')
    .addHelpText(
      'after',
      '\nExit codes: 0 all holds, but for a break that the log was ended for; 1 something does not; 2 called wrongly.',
    )
    .action((options: Options) =>
      withAudit(options, async (audit) => {
        for (const origin of await originsOf(audit, options)) {
          const found = await verified(origin, audit, options, io);
          const archive = await checkArchived(found, options.archive, audit.store);
          if (options.json) io.print(JSON.stringify({ ...found, archive }));
          else
            for (const line of [...lines(found, options), ...archivedLines(found, archive)])
              io.print(plain(line));
          const wrong = found.fault !== undefined && found.recorded !== true;
          if (wrong || archive.fault !== undefined) io.fail(1);
        }
      }),
    );
}

/** @throws CommandFailed */
async function originsOf(audit: OpenAudit, { log: named, from }: Options): Promise<string[]> {
  if (named === undefined && from === undefined) return [...(await originsIn(audit))];
  return [await namedLog(audit, named)];
}

async function verified(origin: string, audit: OpenAudit, options: Options, io: Io): Promise<Found> {
  const { log, store, digest } = audit;
  const { from, sealed, json } = options;
  const settings = {
    ...{ log: log.of(origin), digest, store: store.log, checkpoints: store.checkpoints },
    keys: await logKeysOf(audit, origin),
  };
  const onProgress = tellingProgress<Progress>(
    io,
    json,
    ({ done, size, checkpointed }) =>
      `${done} of ${size} entries hold (go on later with --from ${checkpointed})`,
  );
  const started = performance.now();
  try {
    const verdict = await verifyLog(settings, { from, sealed, onProgress });
    const seconds = (performance.now() - started) / 1000;
    if (verdict.fault === undefined) return { ...verdict, seconds };
    return { ...verdict, seconds, recorded: await wasRecorded(origin, verdict.fault, store.log) };
  } catch (error) {
    if (!(error instanceof NoSuchCheckpoint)) throw error;
    const near = await store.checkpoints.latest(origin, from);
    const mend = near === undefined ? 'leave it out' : `write --from ${near.size}`;
    throw new CommandFailed(`--from ${from}: there is no checkpoint of that many entries; ${mend}.`, 2);
  }
}

function lines(found: Found, { sealed }: Options): string[] {
  const { origin, from, verified: count, checkpoints, checkpointed, opened, erased, fault, seconds } = found;
  const rate = Math.round(count / Math.max(seconds, 0.001));
  const since = from === 0 ? '' : ` after the first ${from}`;
  const done = `${origin}: ${count} entries${since} hold, and ${checkpoints} checkpoints, in ${seconds.toFixed(1)} s (${rate}/s).`;
  const values = sealed
    ? [`Sealed values of ${opened} entries open and fit; those of ${erased} were erased.`]
    : [];
  if (fault === undefined) return [done, ...values];
  return [
    done,
    ...values,
    `${found.recorded ? 'Recorded when the log was ended' : 'WRONG'} at entry ${fault.sequence} (${fault.kind}): ${fault.says}.`,
    `What is signed is whole up to the checkpoint of ${checkpointed} entries.`,
  ];
}
