import { Command } from 'commander';

import type { BrokerStatus } from '../http/broker-status.ts';
import { CommandFailed, INCOMPLETE, type Io } from './io.ts';
import type { RegionOptions } from './region-config.ts';
import { statusOf } from './status.ts';
import { forgetNoticesCommand } from './notices-forget.ts';
import { strict } from './subcommand.ts';
import { columns } from './tell.ts';

type Notices = NonNullable<BrokerStatus['patientNotices']>;

export function noticesCommand(io: Io): Command {
  const parent = new Command('notices').description(
    "Telling patients' home regions that this one holds something, and what neighbours told.",
  );
  parent
    .command('status')
    .description(
      'Show whom home regions are to be told of, why that waits, and what came and is not decided.',
    )
    .option('--region <region>', "whose broker's")
    .option('--config <file>', 'a configuration file instead of --region')
    .option('--json', 'print it as JSON')
    .addHelpText(
      'after',
      '\nExit codes: 0 nothing is held up; 1 not done; 2 called wrongly; 3 something waits for a reason.',
    )
    .action(async (options: RegionOptions & { json?: true }) => {
      const told = await statusOf(options);
      if ('failed' in told) {
        throw new CommandFailed(
          `The broker of ${told.region} was not reached at ${told.address} (${told.failed}): start it, and ask again.`,
        );
      }
      const { patientNotices } = told.status;
      if (patientNotices === undefined) {
        throw new CommandFailed('Its store cannot say: look at `wayleave status`.');
      }
      if (options.json) io.print(JSON.stringify(patientNotices));
      else for (const line of noticesLines(patientNotices)) io.print(line);
      if (patientNotices.waiting.some(({ why }) => why !== undefined)) io.fail(INCOMPLETE);
    });
  parent.addCommand(strict(forgetNoticesCommand(io)));
  return parent;
}

function noticesLines({
  seen,
  waiting,
  told,
  inbox,
  inboxLimit,
  decided,
  givenUp,
  tellers,
  tellersDays,
}: Notices): string[] {
  return [
    `${seen} patients whose home region is not known yet`,
    ...columns([
      ...waiting.map(({ region, count, why = 'on its way' }) => [
        'to be told',
        region,
        `${count} patients`,
        why,
      ]),
      ...told.map(({ region, count }) => ['told since the start', region, `${count} patients`, '']),
      ...inbox.map(({ region, waiting: rows }) => [
        'came, not decided',
        region,
        `${rows} of ${inboxLimit}`,
        '',
      ]),
      ...givenUp.map(({ region = 'home not found', count }) => [
        'given up since the start',
        region,
        `${count} patients`,
        'the home was not told',
      ]),
    ]),
    `decided since the start: ${decided.known} of patients of ours, ${decided.dropped} dropped, ${decided.givenUp} given up`,
    ...(tellers.length === 0 ? [] : [`what neighbours told, in the last ${tellersDays} days:`]),
    ...columns([
      ...tellers.map((one) => [
        `  ${one.region}`,
        one.how,
        `${one.known} patients of ours, ${one.dropped} dropped, ${one['given-up']} given up`,
        `asked for it: ${one.answered} answered, ${one.none} none, ${one.withheld} withheld, ` +
          `${one['not-reached']} not reached`,
      ]),
    ]),
  ];
}
