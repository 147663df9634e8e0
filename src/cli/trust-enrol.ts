import { readFileSync } from 'node:fs';
import { Command } from 'commander';

import type { NeighbourView, ProposalView } from '../broker/trust-views.ts';
import { agreementIn } from '../config/read-agreement.ts';
import { compareWords } from '../trust/fingerprint.ts';
import { adminClient, withAdmin, type AdminOptions } from './admin-client.ts';
import { CommandFailed, type Io } from './io.ts';
import { plain } from './subcommand.ts';
import { neighbourLines, proposalLines } from './trust-lines.ts';
import { showOf } from './trust-list.ts';

interface Enrolling extends AdminOptions {
  readonly agreement: string;
  readonly reason: string;
  readonly json?: true;
}

export function enrolCommand(io: Io): Command {
  return withAdmin(new Command('enrol'))
    .description('Propose a new neighbour by its entity statement; another admin approves it.')
    .argument('<source>', 'where its statement is: an https address, or a file that it sent')
    .requiredOption(
      '--agreement <file>',
      'the sharing agreement: YAML, as neighbours[].agreement of a configuration',
    )
    .requiredOption('--reason <text>', 'why; kept sealed in the log')
    .option('--json', 'print the proposal as JSON')
    .addHelpText(
      'after',
      '\nNothing counts before it is approved. An address is one that /.well-known/openid-federation is below.',
    )
    .action(async (source: string, options: Enrolling) => {
      const agreement = agreementIn(options.agreement);
      const from = source.startsWith('https://') ? { url: source } : { statement: statementIn(source) };
      const body = { ...from, agreement, why: options.reason };
      const proposal = (await adminClient(options).post('/admin/v1/trust-proposals', body)) as ProposalView;
      if (options.json) return io.print(JSON.stringify(proposal));
      for (const line of proposalLines(proposal)) io.print(line);
      io.print(`Another admin approves it: wayleave trust approve ${plain(proposal.region)} --as ADMIN`);
    });
}

interface Deciding extends AdminOptions {
  readonly reason: string;
  readonly words?: string;
  readonly digest?: string;
  readonly alone?: true;
  readonly yes?: true;
  readonly json?: true;
}

export function approveCommand(io: Io): Command {
  return withAdmin(new Command('approve'))
    .description(
      'Approve what waits: a neighbour that another admin proposed, or a statement that changes more.',
    )
    .argument('<neighbour>', 'its region')
    .requiredOption('--reason <text>', 'why; kept sealed in the log')
    .option(
      '--words <words>',
      'the words of its fingerprint as the other side reads them: they must be the same',
    )
    .option('--alone', 'this site has one security officer, who approves what they proposed: that is kept')
    .option('--digest <digest>', 'the digest of what you looked at: with --yes')
    .option('--yes', 'approve it; without this it is only shown')
    .option('--json', 'print how it stands as JSON')
    .action(async (neighbour: string, options: Deciding) => {
      const { proposal, neighbour: known } = await showOf(neighbour, options);
      const statement = proposal?.statement ?? known?.pending?.statement;
      const digest = proposal?.digest ?? statement?.digest;
      if (statement === undefined || digest === undefined) throw nothingWaits(neighbour);
      if (options.words !== undefined) assertWords(options.words, statement.fingerprint.words);
      if (options.yes === undefined) {
        const lines = proposal === undefined ? known && neighbourLines(known) : proposalLines(proposal);
        for (const line of lines ?? []) io.print(line);
        throw new CommandFailed(
          `Nothing was approved: add --digest ${digest} --yes if this is what you mean.`,
          2,
        );
      }
      if (options.digest !== digest) {
        throw new CommandFailed(
          'Nothing was approved: --yes needs --digest with the digest of what waits, and something else may wait by now: ' +
            'look at it without --yes first.',
          2,
        );
      }
      const alone = options.alone === undefined ? {} : { alone: true };
      const body = { digest, why: options.reason, ...alone };
      tell(await decide(neighbour, 'approve', body, options), options, io);
    });
}

export function declineCommand(io: Io): Command {
  return withAdmin(new Command('decline'))
    .description(
      'Decline what waits: a proposed neighbour, or a statement. The same statement waits no second time.',
    )
    .argument('<neighbour>', 'its region')
    .requiredOption('--reason <text>', 'why; kept sealed in the log')
    .option('--json', 'print what was declined as JSON')
    .action(async (neighbour: string, options: Deciding) => {
      const { proposal, neighbour: known } = await showOf(neighbour, options);
      const digest = proposal?.digest ?? known?.pending?.statement.digest;
      if (digest === undefined) throw nothingWaits(neighbour);
      const declined = await decide(neighbour, 'decline', { digest, why: options.reason }, options);
      io.print(options.json ? JSON.stringify(declined) : `Declined: ${digest}.`);
    });
}

/** One decision about one neighbour. @throws AdminRefused, CommandFailed */
export function decide(
  neighbour: string,
  what: string,
  body: object,
  options: AdminOptions,
): Promise<unknown> {
  return adminClient(options).post(`/admin/v1/trust/${encodeURIComponent(neighbour)}/${what}`, body);
}

export function tell(view: unknown, { json }: { readonly json?: true }, io: Io): void {
  if (json) return io.print(JSON.stringify(view));
  for (const line of neighbourLines(view as NeighbourView)) io.print(line);
}

function nothingWaits(neighbour: string): CommandFailed {
  return new CommandFailed(
    `Nothing of ${plain(neighbour)} waits for a decision: wayleave trust list says what does.`,
  );
}

/** @throws CommandFailed which says where they differ */
function assertWords(said: string, words: readonly string[]): void {
  const compared = compareWords(words, said);
  if (compared.same) return;
  const { place, isWord } = compared;
  const misheard = isWord ? '' : ', and what was said is no word of the list';
  throw new CommandFailed(
    `The words are not the same: word ${place} differs${misheard}. Do not approve it, and ask the other side which ` +
      'statement it sent.',
  );
}

/** @throws CommandFailed */
function statementIn(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new CommandFailed(
      `${file} cannot be read: name a file with an entity statement, or an https address.`,
      2,
      { cause: error },
    );
  }
}
