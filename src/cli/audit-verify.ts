import { Command } from 'commander';

import { everyStatement } from '../audit/proof/statement-history.ts';
import { byRegion, checkpointKeys } from '../audit/proof/statements.ts';
import {
  NoSuchCheckpoint,
  verifyLog,
  type LogVerdict,
  type Progress,
} from '../audit/whole-log/verify-log.ts';
import type { VerifierKey } from '../tlog/note-keys.ts';
import { CommandFailed, type Io } from './io.ts';
import { withAudit, type OpenAudit } from './open-audit.ts';
import type { RegionOptions } from './region-config.ts';
import { wholeNumber } from './subcommand.ts';

type Options = RegionOptions & { from?: number; sealed?: true; json?: true };

const PROGRESS_MS = 500;

export function verifyCommand(io: Io): Command {
  return new Command('verify')
    .description(
      'Verify the whole log: every entry in its place, every tile, every signed checkpoint, the head.',
    )
    .option('--region <region>', "whose broker's log")
    .option('--config <file>', 'a configuration file instead of --region')
    .option('--from <size>', 'begin at a checkpoint of that many entries, on its signed root', wholeNumber)
    .option('--sealed', 'open what is sealed as well, and check what entries are found by (slower)')
    .option('--json', 'print what was found as JSON')
    .addHelpText('after', '\nExit codes: 0 all holds; 1 something does not; 2 called wrongly.')
    .action((options: Options) =>
      withAudit(options, async (audit) => {
        const started = performance.now();
        const verdict = await verified(audit, options, io);
        const seconds = (performance.now() - started) / 1000;
        if (options.json) io.print(JSON.stringify({ ...verdict, seconds }));
        else for (const line of lines(verdict, seconds, options)) io.print(line);
        if (verdict.fault !== undefined) io.fail(1);
      }),
    );
}

async function verified(audit: OpenAudit, { from, sealed, json }: Options, io: Io): Promise<LogVerdict> {
  const { log, store, digest } = audit;
  const settings = {
    log,
    digest,
    store: store.log,
    checkpoints: store.checkpoints,
    keys: await keysOf(audit),
  };
  const onProgress = io.isTerminal && !json ? teller(io) : undefined;
  try {
    return await verifyLog(settings, { from, sealed, onProgress });
  } catch (error) {
    if (!(error instanceof NoSuchCheckpoint)) throw error;
    const near = await store.checkpoints.latest(log.origin, from);
    const mend = near === undefined ? 'leave it out' : `write --from ${near.size}`;
    throw new CommandFailed(`--from ${from}: there is no checkpoint of that many entries; ${mend}.`, 2);
  }
}

/** Our own log keys, and our neighbours' as witnesses, as the statements list them that we ever relied on. */
async function keysOf({ config, log, store }: OpenAudit): Promise<VerifierKey[]> {
  const tokens = [config.statementToken, ...config.neighbours.map(({ statementToken }) => statementToken)];
  const regions = byRegion(await everyStatement(tokens, store.statements));
  const own = regions.find(({ entity }) => entity === config.entity);
  return checkpointKeys(log.origin, own, regions);
}

function teller(io: Io): (progress: Progress) => void {
  let told = performance.now();
  return ({ done, size, checkpointed }) => {
    if (performance.now() - told < PROGRESS_MS) return;
    told = performance.now();
    io.warn(`${done} of ${size} entries hold (go on later with --from ${checkpointed})`);
  };
}

function lines(verdict: LogVerdict, seconds: number, { sealed }: Options): string[] {
  const { origin, from, verified: count, checkpoints, checkpointed, opened, erased, fault } = verdict;
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
    `WRONG at entry ${fault.sequence} (${fault.kind}): ${fault.says}.`,
    `What is signed is whole up to the checkpoint of ${checkpointed} entries.`,
  ];
}
