import { Command } from 'commander';
import { randomUUID } from 'node:crypto';

import type { Event } from '../audit/entry.ts';
import { notLookedAt, notLookedAtWords } from '../audit/questions/not-looked-at.ts';
import { lookOf, Unusual, type Finding } from '../audit/questions/unusual.ts';
import { newestFirst, walk } from '../audit/walk.ts';
import type { Io } from './io.ts';
import { withAudit, type OpenAudit } from './open-audit.ts';
import type { RegionOptions } from './region-config.ts';
import { plain, wholeNumber } from './subcommand.ts';
import { columns } from './tell.ts';
import { rangeOf, withRange, type RangeOptions } from './time-range.ts';

interface Options extends RegionOptions, RangeOptions {
  readonly limit: number;
  readonly open?: true;
  readonly json?: true;
}

export function unusualCommand(io: Io): Command {
  const command = new Command('unusual')
    .description('Access that the rules of `unusual_access` find unusual, oldest first. Nobody is named.')
    .option('--region <region>', "whose broker's logs")
    .option('--config <file>', 'a configuration file instead of --region');
  return withRange(command)
    .option('--limit <count>', 'at most that many findings, the newest', wholeNumber, 1_000)
    .option('--open', 'open who it was, and about whom. That is an entry of the log itself')
    .option('--json', 'print it as JSON')
    .action((options: Options) =>
      withAudit(options, async (audit) => {
        const range = rangeOf(options, Date.now());
        const all = await findings(range, audit);
        const missing = await notLookedAt(audit.store.archive, range);
        const found = options.limit === 0 ? [] : all.slice(-options.limit);
        // On the disk before anybody is named.
        if (options.open) await keep(options, found.length, audit);
        const told = [];
        for (const finding of found) told.push(options.open ? await opened(finding, audit) : finding);
        const left = all.length - found.length;
        if (options.json) {
          const rules = audit.config.unusual_access;
          io.print(JSON.stringify({ rules, findings: told, left, notLookedAt: missing }));
          return;
        }
        for (const line of columns(told.map((one) => row(one).map(plain)))) io.print(line);
        if (all.length === 0) {
          const where = missing.length === 0 ? '' : ' in what was looked at';
          io.print(`Nothing${where} that the rules of unusual_access find unusual.`);
        }
        for (const part of missing) io.print(plain(notLookedAtWords(part)));
        if (left > 0) io.print(`${left} older findings are not listed (see --limit).`);
      }),
    );
}

async function findings(
  range: { from: number; to: number },
  { store, config }: OpenAudit,
): Promise<Finding[]> {
  const unusual = new Unusual(config.unusual_access);
  const looks = (event: Event) => walk(store.log, { ...range, event });
  for await (const entry of newestFirst(looks('route-planned'), looks('query-received'))) {
    const look = lookOf(entry, config.region);
    if (look !== undefined) unusual.add(look);
  }
  return unusual.end();
}

function keep(options: Options, count: number, { trail }: OpenAudit): Promise<void> {
  const given = (['from', 'to'] as const).filter((name) => options[name] !== undefined);
  return trail.auditSearched(randomUUID(), { filters: ['unusual', ...given] }, count);
}

/** The finding with the names behind its digests, from its first entry that still opens. */
async function opened(finding: Finding, audit: OpenAudit): Promise<Finding> {
  const [first] = finding.entries;
  const entry = first === undefined ? undefined : await entryAt(first, audit);
  const values = entry && audit.log.read(entry).opened;
  const value = (name: string): string => values?.[name]?.value ?? 'erased';
  return {
    ...finding,
    ...(finding.user === undefined ? {} : { user: value('user') }),
    ...(finding.patient === undefined ? {} : { patient: value('nhs_number') }),
  };
}

async function entryAt(place: string, { store }: OpenAudit) {
  const colon = place.lastIndexOf(':');
  const sequence = Number(place.slice(colon + 1));
  const [entry] = await store.log.entries(place.slice(0, colon), sequence, 1);
  // It may have been archived and pruned since it was found.
  return entry?.sequence === sequence ? entry : undefined;
}

const SHOWN_OF_DIGEST = 8;

function row(finding: Finding): string[] {
  const { rule, from, to, organisation, role, region, looks, distinct } = finding;
  const others = rule === 'many_patients' ? 'patients' : 'users';
  const seen = distinct === undefined ? `${looks} look` : `${distinct} ${others}, ${looks} looks`;
  const until = to === from ? '' : ` to ${new Date(to).toISOString()}`;
  return [
    ...[
      `${new Date(from).toISOString()}${until}`,
      rule,
      seen,
      organisation ?? '-',
      role ?? '-',
      region ?? 'here',
    ],
    ...[named('user', finding.user), named('patient', finding.patient), placesOf(finding.entries)],
  ];
}

/** Enough of a digest to tell one from another; a name as it is. */
function named(what: string, value: string | undefined): string {
  if (value === undefined) return '-';
  return `${what} ${/^[\w-]{40,}$/.test(value) ? value.slice(0, SHOWN_OF_DIGEST) : value}`;
}

function placesOf(entries: readonly string[]): string {
  const places = entries.slice(0, 3).map((entry) => entry.split('/').at(-1) ?? entry);
  return entries.length > places.length ? `${places.join(' ')} and more` : places.join(' ');
}
