import { Command, Option } from 'commander';
import { randomUUID } from 'node:crypto';

import { EVENTS, leafOf } from '../audit/entry.ts';
import { notLookedAt, notLookedAtWords } from '../audit/questions/not-looked-at.ts';
import { instantOf, nextAfter, placeOf } from '../audit/questions/search.ts';
import type { EntrySearch, FoundEntry } from '../store/contracts.ts';
import { ARCHIVE_OPTION, withFiles } from './archive-option.ts';
import { CommandFailed, type Io } from './io.ts';
import { withAudit, type OpenAudit } from './open-audit.ts';
import { FROM_INPUT, patientOf } from './patient-argument.ts';
import type { RegionOptions } from './region-config.ts';
import { plain, wholeNumber } from './subcommand.ts';
import { columns } from './tell.ts';

interface Options extends RegionOptions {
  readonly from?: string;
  readonly to?: string;
  readonly with?: string;
  readonly patient?: string;
  readonly user?: string;
  readonly organisation?: string;
  readonly outcome?: string;
  readonly event?: string;
  readonly breakGlass?: true;
  readonly limit: number;
  readonly after?: string;
  readonly archive?: string[];
  readonly open?: true;
  readonly json?: true;
}

/** The kinds of filter, as the log says which were used. */
const FILTERS = [
  'from',
  'to',
  'with',
  'patient',
  'user',
  'organisation',
  'outcome',
  'event',
  'breakGlass',
] as const;
const MOST_FOUND = 1_000;

export function searchCommand(io: Io): Command {
  return new Command('search')
    .description('Find entries, newest first. Nobody is named unless what is sealed is opened.')
    .option('--region <region>', "whose broker's logs")
    .option('--config <file>', 'a configuration file instead of --region')
    .option('--from <time>', 'an instant (2026-11-22T10:00:00Z) or a day of UTC')
    .option('--to <time>', 'up to that instant, or to the end of that day')
    .option('--with <region>', 'the other region')
    .option('--patient <nhs-number>', `about whom; ${FROM_INPUT}`)
    .option('--user <user>', 'who asked, as system|id')
    .option('--organisation <code>', 'for which organisation it was asked')
    .option('--outcome <outcome>', 'as answered, withheld, refused')
    .addOption(new Option('--event <event>', 'one kind of event').choices(EVENTS))
    .option('--break-glass', 'emergency access alone')
    .option('--limit <count>', `at most that many, up to ${MOST_FOUND}`, wholeNumber, 50)
    .option('--after <cursor>', 'the page after, by the cursor that the last one ended with')
    .option(...ARCHIVE_OPTION)
    .option('--open', 'open what is sealed: who, about whom. That is an entry of the log itself')
    .option('--json', 'print it as JSON')
    .action(async (options: Options) => {
      const patient = options.patient === undefined ? undefined : await patientOf(options.patient, io);
      const search = searchOf(options);
      await withAudit(options, async (audit) => {
        const { found, missing } = await withFiles(options.archive, audit, async ({ log, isLeftOut }) => ({
          found: await log.search(withDigests(search, patient, options.user, audit)),
          missing: await notLookedAt(audit.store.archive, search, isLeftOut),
        }));
        // On the disk before anybody is named.
        if (options.open) await keep(options, patient, found.length, audit);
        const next = nextAfter(found, search.limit);
        if (options.json) {
          const entries = found.map((entry) => told(entry, options, audit));
          io.print(JSON.stringify({ entries, next, notLookedAt: missing }));
          return;
        }
        for (const line of columns(found.map((entry) => row(entry, options, audit)))) io.print(line);
        if (found.length === 0) {
          io.print(missing.length === 0 ? 'No such entry.' : 'No such entry in what was looked at.');
        }
        for (const part of missing) io.print(plain(notLookedAtWords(part)));
        if (next !== undefined) io.print(`More with --after ${next}`);
      });
    });
}

/** @throws CommandFailed for a time, a limit or a cursor that cannot be */
function searchOf(options: Options): EntrySearch {
  const { from, to, after, limit } = options;
  if (limit < 1 || limit > MOST_FOUND) {
    throw new CommandFailed(`--limit ${limit} cannot be: write a number from 1 to ${MOST_FOUND}.`, 2);
  }
  const before = after === undefined ? undefined : placeOf(after);
  if (after !== undefined && before === undefined) {
    throw new CommandFailed('--after is no cursor: write the one that a page ended with.', 2);
  }
  return {
    from: from === undefined ? 0 : time('--from', from, false),
    to: to === undefined ? Number.MAX_SAFE_INTEGER : time('--to', to, true),
    region: options.with,
    organisation: options.organisation,
    outcome: options.outcome,
    event: options.event,
    breakGlass: options.breakGlass,
    ...{ limit, before },
  };
}

function time(option: string, text: string, end: boolean): number {
  const at = instantOf(text, end);
  if (at !== undefined) return at;
  throw new CommandFailed(
    `${option} is no time: write a day (2026-11-22) or an instant (2026-11-22T10:00:00Z).`,
    2,
  );
}

function withDigests(
  search: EntrySearch,
  patient: string | undefined,
  user: string | undefined,
  { digest }: OpenAudit,
): EntrySearch {
  return {
    ...search,
    patients: patient === undefined ? undefined : [digest(patient)],
    user: user === undefined ? undefined : digest(user),
  };
}

function keep(
  options: Options,
  patient: string | undefined,
  count: number,
  { trail }: OpenAudit,
): Promise<void> {
  const { user } = options;
  const search = {
    filters: FILTERS.filter((name) => options[name] !== undefined),
    ...(patient === undefined ? {} : { nhsNumber: patient }),
    ...(user === undefined ? {} : { user }),
  };
  return trail.auditSearched(randomUUID(), search, count);
}

function told(entry: FoundEntry, { open }: Options, { log }: OpenAudit): object {
  const { sealed, ...leaf } = leafOf(entry);
  const place = { log: entry.log, ...leaf, at: new Date(entry.at).toISOString() };
  if (!open) return place;
  const { opened } = log.read(entry);
  if (opened === undefined) return { ...place, ...(sealed === undefined ? {} : { values: 'erased' }) };
  const values = Object.entries(opened).map(([name, { value }]) => [name, value] as const);
  return { ...place, values: Object.fromEntries(values) };
}

function row(entry: FoundEntry, { open }: Options, { log }: OpenAudit): string[] {
  const leaf = leafOf(entry);
  const cells = [
    new Date(entry.at).toISOString(),
    `${entry.log.split('/log/').at(-1)}:${entry.sequence}`,
    leaf.event,
    leaf.region ?? '-',
    leaf.organisation ?? '-',
    [leaf.outcome, leaf.reason, leaf.break_glass ? 'break-glass' : undefined].filter(Boolean).join(' ') ||
      '-',
    leaf.count === undefined ? '-' : String(leaf.count),
    leaf.exchange,
  ];
  if (!open) return cells.map(plain);
  const { opened } = log.read(entry);
  const erased = leaf.sealed === undefined ? '-' : 'erased';
  return [...cells, opened?.['nhs_number']?.value ?? erased, opened?.['user']?.value ?? erased].map(plain);
}
