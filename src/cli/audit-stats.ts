import { Command } from 'commander';
import { randomUUID } from 'node:crypto';

import { notLookedAt, notLookedAtWords } from '../audit/questions/not-looked-at.ts';
import { StatisticsOf, type Statistics, type UserStats } from '../audit/questions/stats.ts';
import { walk } from '../audit/walk.ts';
import type { Io } from './io.ts';
import { withAudit, type OpenAudit } from './open-audit.ts';
import type { RegionOptions } from './region-config.ts';
import { plain } from './subcommand.ts';
import { columns } from './tell.ts';
import { rangeOf, withRange, type RangeOptions } from './time-range.ts';

interface Options extends RegionOptions, RangeOptions {
  readonly open?: true;
  readonly json?: true;
}

export function statsCommand(io: Io): Command {
  const command = new Command('stats')
    .description('Numbers per neighbour and per user: queries, outcomes, refusals, times. Nobody is named.')
    .option('--region <region>', "whose broker's logs")
    .option('--config <file>', 'a configuration file instead of --region');
  return withRange(command)
    .option('--open', 'name the users. That is an entry of the log itself')
    .option('--json', 'print it as JSON')
    .action((options: Options) =>
      withAudit(options, async (audit) => {
        const counting = new StatisticsOf();
        const range = rangeOf(options, Date.now());
        for await (const entry of walk(audit.store.log, range)) counting.add(entry);
        const missing = await notLookedAt(audit.store.archive, range);
        const { users, ...stats } = counting.result();
        // On the disk before anybody is named.
        if (options.open) await keep(options, users.length, audit);
        const named = options.open && users.map((one) => ({ ...countsOf(one), user: nameOf(one, audit) }));
        if (options.json) {
          const anonymous = { count: users.length, looks: users.map(({ looks }) => looks) };
          io.print(JSON.stringify({ ...stats, users: named ?? anonymous, notLookedAt: missing }));
          return;
        }
        for (const line of neighbourLines(stats)) io.print(line);
        for (const line of userLines(users)) io.print(line);
        const rows = named?.map(({ user, ...counts }) => [user, ...Object.values(counts).map(String)]) ?? [];
        const heads = named === undefined ? [] : [['user', 'looks', 'break-glass', 'refused']];
        for (const line of columns([...heads, ...rows].map((row) => row.map(plain)))) io.print(line);
        for (const part of missing) io.print(plain(notLookedAtWords(part)));
      }),
    );
}

function keep(options: Options, count: number, { trail }: OpenAudit): Promise<void> {
  const given = (['from', 'to'] as const).filter((name) => options[name] !== undefined);
  return trail.auditSearched(randomUUID(), { filters: ['stats', ...given] }, count);
}

function countsOf({ looks, breakGlass, refused }: UserStats) {
  return { looks, breakGlass, refused };
}

function nameOf({ newest }: UserStats, { log }: OpenAudit): string {
  return log.read(newest).opened?.['user']?.value ?? 'erased';
}

function neighbourLines({ neighbours, unproved }: Omit<Statistics, 'users'>): string[] {
  const ms = (value: number | undefined): string => (value === undefined ? '-' : `${value} ms`);
  const asked = neighbours.map(({ region, asked: one }) => [
    ...[region, String(one.queries), list(one.outcomes), list(one.reasons)],
    ...[ms(one.medianMs), ms(one.p95Ms), String(one.breakGlass), String(one.users)],
  ]);
  const answered = neighbours.map(({ region, answered: one }) => [
    ...[region, String(one.queries), list(one.outcomes), list(one.refusals)],
    ...[String(one.resources), String(one.breakGlass), String(one.users)],
  ]);
  return [
    ...columns([
      ['asked by us', 'queries', 'outcomes', 'why', 'median', 'p95', 'break-glass', 'users'],
      ...asked,
    ]),
    '',
    ...columns([
      ['asked of us', 'queries', 'outcomes', 'refused', 'given', 'break-glass', 'users'],
      ...answered,
    ]),
    ...(Object.keys(unproved).length === 0
      ? []
      : ['', `Refused before identity was proved: ${list(unproved)}`]),
    '',
  ].map(plain);
}

function userLines(users: readonly UserStats[]): string[] {
  const looks = users.reduce((sum, one) => sum + one.looks, 0);
  const most = users[0]?.looks ?? 0;
  return [`${users.length} users of ours looked ${looks} times; the one who looked most, ${most} times.`];
}

function list(counts: Readonly<Record<string, number>>): string {
  const rows = Object.entries(counts).sort(([, one], [, other]) => other - one);
  return rows.map(([name, count]) => `${name} ${count}`).join(', ') || '-';
}
