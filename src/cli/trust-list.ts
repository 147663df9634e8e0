import { Command } from 'commander';

import type { DecisionView, NeighbourView, ProposalView } from '../broker/trust-views.ts';
import { adminClient, withAdmin, type AdminOptions } from './admin-client.ts';
import type { Io } from './io.ts';
import { plain, wholeNumber } from './subcommand.ts';
import { columns } from './tell.ts';
import { neighbourLines, neighbourRows, proposalLines } from './trust-lines.ts';

/** As the admin API answers `GET /admin/v1/trust`. */
export interface TrustList {
  readonly neighbours: NeighbourView[];
  readonly proposals: ProposalView[];
  readonly fault?: string;
}

/** As it answers `GET /admin/v1/trust/{region}`. */
export interface TrustShown {
  readonly neighbour?: NeighbourView;
  readonly proposal?: ProposalView;
  readonly history: DecisionView[];
}

export function listCommand(io: Io): Command {
  return withAdmin(new Command('list'))
    .description('Show every neighbour: how it stands, and what waits for an admin.')
    .option('--json', 'print it as JSON')
    .action(async (options: AdminOptions & { json?: true }) => {
      const found = (await adminClient(options).get('/admin/v1/trust')) as TrustList;
      if (options.json) return io.print(JSON.stringify(found));
      for (const line of neighbourRows(found.neighbours)) io.print(line);
      for (const line of found.proposals.flatMap(proposalLines)) io.print(line);
      if (found.fault !== undefined) {
        io.warn(`Decisions cannot be read at the moment (${found.fault}): all stays as it was.`);
      }
    });
}

export function showCommand(io: Io): Command {
  return withAdmin(new Command('show'))
    .description(
      'Show one neighbour: its statement, what is pinned, what waits, and every decision about it.',
    )
    .argument('<neighbour>', 'its region')
    .option('--before <sequence>', 'decisions before that one; the newest 500 otherwise', wholeNumber)
    .option('--json', 'print it as JSON')
    .addHelpText(
      'after',
      '\nWhy something was decided is in the log: wayleave audit search --event trust-decided.',
    )
    .action(async (neighbour: string, options: AdminOptions & { before?: number; json?: true }) => {
      const shown = await showOf(neighbour, options, options.before);
      if (options.json) return io.print(JSON.stringify(shown));
      if (shown.neighbour !== undefined) for (const line of neighbourLines(shown.neighbour)) io.print(line);
      if (shown.proposal !== undefined) for (const line of proposalLines(shown.proposal)) io.print(line);
      for (const line of columns(shown.history.map(historyRow))) io.print(plain(line));
    });
}

export async function showOf(neighbour: string, options: AdminOptions, before?: number): Promise<TrustShown> {
  const page = before === undefined ? '' : `?before=${before}`;
  return (await adminClient(options).get(
    `/admin/v1/trust/${encodeURIComponent(neighbour)}${page}`,
  )) as TrustShown;
}

function historyRow({ sequence, at, kind, by, detail, exchange }: DecisionView): string[] {
  return [String(sequence), at, kind, by, exchange, JSON.stringify(detail).slice(0, 120)];
}
