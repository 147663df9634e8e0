import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { Command, Option } from 'commander';

import { instantOf } from '../audit/questions/search.ts';
import { REVOCATION_REASONS, type Revocable } from '../trust/decisions.ts';
import { thumbprintOf } from '../trust/peer-certificate.ts';
import { withAdmin, type AdminOptions } from './admin-client.ts';
import { CommandFailed, type Io } from './io.ts';
import { plain } from './subcommand.ts';
import { decide, tell } from './trust-enrol.ts';

interface Options extends AdminOptions {
  readonly reason: string;
  readonly because: string;
  readonly key?: string;
  readonly certificate?: string;
  readonly since?: string;
  readonly until: string;
  readonly json?: true;
}

export function revokeCommand(io: Io): Command {
  return naming(withAdmin(new Command('revoke')))
    .description(
      'Trust a neighbour, one message key or one certificate of it no more: at once, at every replica.',
    )
    .addOption(
      new Option('--because <code>', 'the reason as a code')
        .choices(REVOCATION_REASONS)
        .default('unspecified'),
    )
    .option('--since <time>', 'since when it may have been in another’s hands: a day of UTC or an instant')
    .addHelpText(
      'after',
      '\nOpen connections are closed, queries under way are cut off, and its region is told as not reached.',
    )
    .action(async (neighbour: string, options: Options) => {
      const since = options.since === undefined ? {} : { compromised_since: past('--since', options.since) };
      const body = { what: whatOf(options), reason: options.because, why: options.reason, ...since };
      tell(await decide(neighbour, 'revoke', body, options), options, io);
      if (!options.json && body.what.kind === 'neighbour') {
        io.print(
          `What ${plain(neighbour)} told before of where our patients are held stays until \`wayleave notices forget ${plain(neighbour)}\`.`,
        );
      }
    });
}

export function reinstateCommand(io: Io): Command {
  return naming(withAdmin(new Command('reinstate')))
    .description('Trust what was revoked again. It is a decision of its own: the history keeps both.')
    .action(async (neighbour: string, options: Options) => {
      const body = { what: whatOf(options), why: options.reason };
      tell(await decide(neighbour, 'reinstate', body, options), options, io);
    });
}

export function pauseCommand(io: Io): Command {
  return reasoned(withAdmin(new Command('pause')))
    .description(
      'Do not ask a neighbour for a while: it is shown as not reached, paused. It is still answered.',
    )
    .requiredOption(
      '--until <time>',
      'an instant (2026-11-22T18:00:00Z), or the end of a day of UTC; at most 31 days',
    )
    .action(async (neighbour: string, options: Options) => {
      const body = { until: iso('--until', options.until, true), why: options.reason };
      tell(await decide(neighbour, 'pause', body, options), options, io);
    });
}

export function resumeCommand(io: Io): Command {
  return reasoned(withAdmin(new Command('resume')))
    .description('Ask a paused neighbour again.')
    .action(async (neighbour: string, options: Options) => {
      tell(await decide(neighbour, 'resume', { why: options.reason }, options), options, io);
    });
}

export function refreshCommand(io: Io): Command {
  return withAdmin(new Command('refresh'))
    .description('Look for a newer statement of a neighbour now.')
    .argument('<neighbour>', 'its region')
    .option('--json', 'print what was found as JSON')
    .action(async (neighbour: string, options: AdminOptions & { json?: true }) => {
      const found = (await decide(neighbour, 'refresh', {}, options)) as { refreshed: string };
      io.print(options.json ? JSON.stringify(found) : (FOUND[found.refreshed] ?? found.refreshed));
    });
}

const FOUND: Readonly<Record<string, string>> = {
  same: 'Its statement is the one that is in force.',
  taken: 'A newer statement is in force.',
  pending: 'A newer statement waits for approval: it changes more than a refresh may.',
  'declined-before': 'Its newer statement was declined here before.',
};

function naming(command: Command): Command {
  return reasoned(command)
    .option('--key <kid>', 'one message key alone')
    .option('--certificate <file>', 'one certificate alone: a PEM file, or its x5t#S256');
}

function reasoned(command: Command): Command {
  return command
    .argument('<neighbour>', 'its region')
    .requiredOption('--reason <text>', 'why, in words; kept sealed in the log')
    .option('--json', 'print how it stands as JSON');
}

/** @throws CommandFailed */
function whatOf({ key, certificate }: Options): Revocable {
  if (key !== undefined && certificate !== undefined) {
    throw new CommandFailed('Name a key or a certificate, not both: give two commands.', 2);
  }
  if (key !== undefined) return { kind: 'message-key', kid: key };
  if (certificate === undefined) return { kind: 'neighbour' };
  return { kind: 'certificate', thumbprint: thumbprintIn(certificate) };
}

function thumbprintIn(text: string): string {
  if (/^[\w-]{43}$/.test(text) && !existsSync(text)) return text;
  try {
    return thumbprintOf(new X509Certificate(readFileSync(text)));
  } catch (error) {
    throw new CommandFailed(
      '--certificate names no certificate: write a PEM file, or the 43 characters of its x5t#S256.',
      2,
      { cause: error },
    );
  }
}

/** An instant on the wire, which has been. @throws CommandFailed */
function past(option: string, text: string): string {
  const at = iso(option, text);
  if (Date.parse(at) <= Date.now()) return at;
  throw new CommandFailed(
    `${option} ${text} is later than now: write since when it may have been in another’s hands.`,
    2,
  );
}

/** An instant on the wire. @throws CommandFailed */
function iso(option: string, text: string, end = false): string {
  const at = instantOf(text, end);
  if (at === undefined) {
    throw new CommandFailed(
      `${option} is no time: write a day (2026-11-22) or an instant (2026-11-22T10:00:00Z).`,
      2,
    );
  }
  return new Date(at).toISOString();
}
