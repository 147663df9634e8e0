import { Command } from 'commander';

import { Keyring } from '../audit/sealing.ts';
import { Checkpoints } from '../audit/witnessing/checkpoints.ts';
import { OurPast } from '../audit/witnessing/our-past.ts';
import { openWitnesses } from '../broker.ts';
import { importSigner } from '../evidence/keys.ts';
import { askNeighbours, type Report } from '../recovery/ask-neighbours.ts';
import { openDecision, type SealedDecision } from '../recovery/decision.ts';
import { openStoreAgain, type OpenedStore } from '../recovery/open-store.ts';
import { CommandRefused } from '../recovery/refused.ts';
import { jwkThumbprint } from '../trust/jwk-thumbprint.ts';
import type { Neighbour } from '../trust/neighbours.ts';
import { logOrigin } from '../tlog/origin.ts';
import { CommandFailed, type Io } from './io.ts';
import { logKeysOf } from './log-keys.ts';
import { withAudit, type OpenAudit } from './open-audit.ts';
import type { RegionOptions } from './region-config.ts';
import { columns } from './tell.ts';

interface Options extends RegionOptions {
  readonly by: string;
  readonly reason: string;
  readonly without?: string[];
  readonly yes?: true;
  readonly json?: true;
}

const ASK_MS = 5_000;

export function confirmCommand(io: Io): Command {
  return new Command('confirm')
    .description('Say that whom we trust is right as it is configured, and open a store that is closed.')
    .option('--region <region>', "whose broker's store")
    .option('--config <file>', 'a configuration file instead of --region')
    .requiredOption('--by <name>', 'who confirms it; kept sealed in the new log')
    .requiredOption('--reason <text>', 'why; kept sealed in the new log')
    .option('--without <region...>', 'neighbours that are not heard on this: not reached, or not believed')
    .option('--yes', 'open it; without this it is only shown what would be confirmed')
    .option('--json', 'print it as JSON')
    .addHelpText(
      'after',
      '\nShows each neighbour as it is configured, and asks it what it holds of our log and which statement of ours it' +
        '\nhas. Every log of the store ends; its successor names what is missing. A running broker opens by itself.',
    )
    .action(async (options: Options) => {
      try {
        await withAudit(options, (audit) => confirm(audit, options, io));
      } catch (error) {
        if (error instanceof CommandRefused) throw new CommandFailed(error.message, 1, { cause: error });
        throw error;
      }
    });
}

async function confirm(audit: OpenAudit, options: Options, io: Io): Promise<void> {
  const { config, secrets, store } = audit;
  const witnesses = await openWitnesses(config, secrets);
  try {
    const { own, links } = witnesses;
    const listed = logOrigin(config.entity, config.replica);
    const past = new OurPast({ store: store.log, listed, logs: own.logs, keys: own.log_keys });
    const reports = await askNeighbours(links, past, ASK_MS);
    const trusted = neighboursOf(audit, witnesses.neighbours, reports, own.sequence);
    if (!options.json) for (const line of columns(trusted.map(rowOf))) io.print(line);
    if (!options.yes) {
      if (options.json) io.print(JSON.stringify({ neighbours: trusted }));
      throw new CommandFailed('Nothing was opened: add --yes if these are whom we trust.', 2);
    }
    const opened = await open(audit, reports, own, options);
    if (options.json) {
      const logs = opened.logs.map(({ log, next, words }) => ({ log, next, highest: words.highest?.size }));
      return io.print(JSON.stringify({ neighbours: trusted, openedAt: opened.openedAt, logs }));
    }
    for (const { log, next } of opened.logs) io.print(`${log} has ended; ${next} goes on.`);
    io.print('The store is open. A running broker serves within a second.');
  } finally {
    witnesses.close();
  }
}

async function open(
  { config, secrets, store, log }: OpenAudit,
  reports: readonly Report[],
  own: { readonly logs: readonly string[]; readonly sequence: number },
  options: Options,
): Promise<OpenedStore> {
  const { closed } = await store.state.read();
  const { decided } = JSON.parse(closed?.detail ?? '{}') as { decided?: SealedDecision };
  const opened = await openStoreAgain({
    ...{ store, log, reports, logs: own.logs, sequence: own.sequence },
    keysOf: (origin) => logKeysOf({ config, store }, origin),
    without: options.without ?? [],
    decision: { by: options.by, reason: options.reason },
    restored: decided && openDecision(decided, new Keyring(secrets.auditKeys)),
    now: Date.now,
  });
  const { key } = await importSigner(secrets.logKey);
  for (const { log: origin, words } of opened.logs) {
    // What was put back is the beginning of what was lost: its last entries can be proved when its head is signed.
    if (words.why !== 'restored' || words.fault !== undefined) continue;
    await new Checkpoints({
      log: store.log,
      checkpoints: store.checkpoints,
      origin,
      key,
      now: Date.now,
    }).sign();
  }
  return opened;
}

/** A neighbour as it is configured here, and what it says of us. */
function neighboursOf(
  { config }: OpenAudit,
  neighbours: readonly Neighbour[],
  reports: readonly Report[],
  sequence: number,
) {
  return reports.map((report) => {
    const { region } = report;
    const pinned = config.neighbours.find((one) => one.region === region);
    return {
      ...{ region, entity: pinned?.entity ?? '' },
      federationKeys: pinned?.federationKeys.map(jwkThumbprint) ?? [],
      statement: neighbours.find((one) => one.region === region)?.broker.sequence,
      agreement: pinned?.agreement.version ?? '',
      saysOfUs: report.reached
        ? {
            ...{ statement: report.statement, ours: sequence },
            holds: report.notes.map(({ origin, size }) => ({ origin, size })),
          }
        : { notReached: report.fault },
    };
  });
}

function rowOf(one: ReturnType<typeof neighboursOf>[number]): string[] {
  const { saysOfUs } = one;
  const told =
    'holds' in saysOfUs
      ? [
          `has our statement ${saysOfUs.statement ?? 'unknown'} of ${saysOfUs.ours}`,
          saysOfUs.holds.map(({ origin, size }) => `${size} entries of ${origin}`).join(', ') ||
            'holds nothing of ours',
        ]
      : [`NOT REACHED (${saysOfUs.notReached})`, ''];
  const keys = one.federationKeys.join(' ');
  return [
    one.region,
    one.entity,
    `keys ${keys}`,
    `statement ${one.statement}`,
    `agreement ${one.agreement}`,
    ...told,
  ];
}
