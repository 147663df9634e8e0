import { Command } from 'commander';
import { setTimeout as sleep } from 'node:timers/promises';

import {
  archiveLog,
  type Archived,
  type ArchiveSettings,
  type SegmentProgress,
} from '../audit/archive/archive-log.ts';
import { keepHouse, type Kept } from '../audit/archive/keep-house.ts';
import { pruneLog, type NotYet, type Pruned } from '../audit/archive/prune-log.ts';
import { ArchiveRefused } from '../audit/archive/shelf.ts';
import { statementsAtHand } from '../audit/proof/statement-history.ts';
import { instantOf } from '../audit/questions/search.ts';
import { LogBroken } from '../audit/whole-log/log-fault.ts';
import { CommandFailed, type Io } from './io.ts';
import { logKeysOf } from './log-keys.ts';
import { namedLog } from './named-log.ts';
import { withAudit, type OpenAudit } from './open-audit.ts';
import { tellingProgress } from './progress.ts';
import type { RegionOptions } from './region-config.ts';
import { makeShelf } from './segment-shelf.ts';
import { wholeNumber } from './subcommand.ts';

interface Options extends RegionOptions {
  readonly before?: string;
  readonly dir: string;
  readonly log?: string;
  readonly prune?: true;
  readonly segment: number;
  readonly json?: true;
}

interface Done {
  readonly origin: string;
  readonly archived: readonly Archived[];
  readonly pruned: Pruned | undefined;
  readonly thinned: Kept | undefined;
}

const DAY = 86_400_000;
const SEGMENT = 100_000;
/** Deleted at once, and then room for a broker that tries to write every 25 ms. */
const BATCH = 500;
const PAUSE_MS = 60;

export function archiveCommand(io: Io): Command {
  return new Command('archive')
    .description('Write old entries to files that verify by themselves; with --prune, delete them here then.')
    .option('--region <region>', "whose broker's log")
    .option('--config <file>', 'a configuration file instead of --region')
    .option(
      '--before <time>',
      'what was written before that instant or day of UTC (default: retention.keep_days ago)',
    )
    .requiredOption('--dir <directory>', 'where the files lie, those of earlier runs too')
    .option('--log <origin>', 'which log, where it is not the one that is written now')
    .option('--prune', 'delete what lies in verified files, and thin out old checkpoints')
    .option('--segment <count>', 'entries of one file, as far as checkpoints allow', wholeNumber, SEGMENT)
    .option('--json', 'print what was done as JSON')
    .addHelpText(
      'after',
      '\nThe keys of what is sealed stay in the store: erasing reaches the files as well.' +
        '\nA run that was killed is gone on with by the next. The broker may run.',
    )
    .action((options: Options) =>
      withAudit(options, async (audit) => {
        const now = Date.now();
        const keepFrom = now - audit.config.retention.keep_days * DAY;
        const before = options.before === undefined ? keepFrom : beforeOf(options.before, now);
        if (options.segment < 1) throw new CommandFailed('--segment 0 cannot be: write 1 or more.', 2);
        const done = await run(audit, options, { before, pruneBefore: Math.min(before, keepFrom), now }, io);
        if (options.json) io.print(JSON.stringify(done));
        else for (const line of lines(done, audit)) io.print(line);
      }),
    );
}

function beforeOf(text: string, now: number): number {
  const at = instantOf(text, false);
  if (at !== undefined && at <= now) return at;
  throw new CommandFailed(
    '--before is no time that is past: write a day (2026-11-22) or an instant (2026-11-22T10:00:00Z).',
    2,
  );
}

interface Times {
  readonly before: number;
  readonly pruneBefore: number;
  readonly now: number;
}

async function run(
  audit: OpenAudit,
  { dir, log, prune, segment, json }: Options,
  { before, pruneBefore, now }: Times,
  io: Io,
): Promise<Done> {
  const origin = await namedLog(audit, log);
  const settings = await settingsOf(audit, origin, dir);
  const onProgress = tellingProgress<SegmentProgress>(
    io,
    json,
    ({ file, done, of }) => `${file}: ${done} of ${of} entries`,
  );
  try {
    const archived: Archived[] = [];
    for await (const one of archiveLog(settings, { before, most: segment, onProgress })) {
      archived.push(one);
      // A later segment may fail: what is done is said as it is done.
      if (json !== true) io.print(`Entries ${one.from} to ${one.to - 1}: ${one.file}, ${one.bytes} bytes.`);
    }
    if (prune !== true) return { origin, archived, pruned: undefined, thinned: undefined };
    const pause = (): Promise<void> => sleep(PAUSE_MS);
    const streams = audit.config.audit_streams.map(({ id }) => id);
    const pruned = await pruneLog(settings, {
      before: pruneBefore,
      streams,
      batch: BATCH,
      pause,
      onProgress,
    });
    return { origin, archived, pruned, thinned: await keepHouse(settings, now) };
  } catch (error) {
    if (!(error instanceof ArchiveRefused || error instanceof LogBroken)) throw error;
    throw new CommandFailed(`${error.message}. Nothing after it was done.`, 1, { cause: error });
  }
}

async function settingsOf(audit: OpenAudit, origin: string, directory: string): Promise<ArchiveSettings> {
  const { config, store, trail } = audit;
  return {
    ...{ origin, store, trail, now: Date.now },
    shelf: await makeShelf(directory),
    statements: statementsAtHand(config, store.statements),
    keys: await logKeysOf(audit, origin),
  };
}

const WHY: Readonly<Record<NotYet, string>> = {
  'too-new': 'it is not older than --before and retention.keep_days',
  'open-work': 'something that began in it has not ended (the broker ends it when it starts)',
  'not-streamed': 'one of audit_streams has not sent all of it (see `wayleave status`)',
  'tree-grows': 'fewer than 256 entries came after it in its log',
};

function lines({ archived, pruned, thinned }: Done, { config }: OpenAudit): string[] {
  const none =
    'Nothing to archive: no checkpoint that a neighbour has cosigned covers more entries of that time.';
  const written = archived.length === 0 ? [none] : [`${archived.length} segments written and verified.`];
  if (pruned === undefined || thinned === undefined) return written;
  const { segments, entries, notYet } = pruned;
  return [
    ...written,
    `${entries} entries deleted here; ${segments.length} more segments are in their files alone.`,
    ...(notYet === undefined ? [] : [`Kept: ${notYet.segment.file}, since ${WHY[notYet.why]}.`]),
    `${thinned.checkpoints} old checkpoints and ${thinned.counts} counts of refusals deleted.`,
    ...(config.store.startsWith('sqlite:') && entries > 0
      ? ['The store uses the room that this leaves for what comes; its file does not shrink.']
      : []),
  ];
}
