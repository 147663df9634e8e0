import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';

import { NoticeTrail } from '../audit/notice-trail.ts';
import type { Config } from '../config/load.ts';
import {
  forgetTeller,
  toldByOne,
  type Forgotten,
  type ToldByOne,
} from '../whereabouts/notices/forget-teller.ts';
import { adminName } from './admin-name.ts';
import { assertOpen } from './assert-open.ts';
import { CommandFailed, type Io } from './io.ts';
import { withAudit, type OpenAudit } from './open-audit.ts';
import { tellingProgress } from './progress.ts';
import type { RegionOptions } from './region-config.ts';
import { plain } from './subcommand.ts';
import { columns } from './tell.ts';

/** A broker beside it has its turn between two steps. */
const PAUSE_MS = 5;

interface Options extends RegionOptions {
  readonly yes?: true;
  readonly json?: true;
}

export function forgetNoticesCommand(io: Io): Command {
  return new Command('forget')
    .description('Delete all that one neighbour told of where our patients are held.')
    .argument('<neighbour>', 'the region that told')
    .option('--region <region>', "whose broker's store")
    .option('--config <file>', 'a configuration file instead of --region')
    .option('--yes', 'delete it; without this it is only shown what would go')
    .option('--json', 'print it as JSON')
    .addHelpText(
      'after',
      '\nWhat it told of other regions, in handovers, goes too; what another told as well stays. Revoke first whom you' +
        '\ndo not trust: what is told afterwards is kept again. A run that was killed is gone on with by the next. The' +
        '\nbroker may run.',
    )
    .action((neighbour: string, options: Options) =>
      withAudit(options, (audit) => forget(neighbour, audit, options, io)),
    );
}

async function forget(
  neighbour: string,
  { config, store, log }: OpenAudit,
  options: Options,
  io: Io,
): Promise<void> {
  await assertOpen(store);
  const told = await toldByOne(store, neighbour);
  const count = told.known.reduce((sum, one) => sum + one.count, 0) + told.undecided;
  if (count === 0) assertKnown(neighbour, config);
  if (!options.json) for (const line of toldLines(neighbour, told, config)) io.print(line);
  if (!options.yes && count > 0) {
    if (options.json) io.print(JSON.stringify({ ...told, forgotten: 0 }));
    throw new CommandFailed('Nothing was deleted: add --yes if that is meant.', 2);
  }
  if (count === 0) {
    if (options.json) io.print(JSON.stringify({ ...told, forgotten: 0 }));
    return;
  }
  const trail = new NoticeTrail(log, adminName());
  const exchange = randomUUID();
  // First, so that a run that is killed is in the log as well.
  await trail.forgetBegan(exchange, neighbour, count);
  const onProgress = tellingProgress<Forgotten>(
    io,
    options.json,
    (done) => `${done.known + done.undecided} of ${count} deleted`,
  );
  const done = await forgetTeller(store, neighbour, () => sleep(PAUSE_MS), onProgress);
  await trail.forgotten(exchange, neighbour, done);
  const forgotten = done.known + done.undecided;
  io.print(options.json ? JSON.stringify({ ...told, forgotten }) : `${forgotten} deleted.`);
}

/** A name that is written wrongly is not to look like a neighbour that told nothing. @throws CommandFailed */
function assertKnown(neighbour: string, { directory, neighbours }: Config): void {
  if (
    [...directory.regions.map(({ id }) => id), ...neighbours.map(({ region }) => region)].includes(neighbour)
  )
    return;
  throw new CommandFailed(
    `${plain(neighbour)} is no region that the directory or a neighbour has, and nothing of it is kept: see \`wayleave notices status\`.`,
    2,
  );
}

function toldLines(neighbour: string, { known, undecided }: ToldByOne, { neighbours }: Config): string[] {
  const name = plain(neighbour);
  if (known.length === 0 && undecided === 0) return [`Nothing that ${name} told is kept.`];
  const isTrusted = neighbours.some((one) => one.region === neighbour && one.decided?.revoked !== true);
  return [
    ...columns(
      known.map(({ region, how, count }) => [
        how === 'notice' ? 'it holds something' : 'handed over to us',
        region,
        `${count} patients of ours`,
      ]),
    ),
    ...(undecided === 0 ? [] : [`not decided: ${undecided}`]),
    ...(isTrusted
      ? [`${name} is trusted: what it tells from now on is kept again. See \`wayleave trust revoke\`.`]
      : []),
  ];
}
