import { Command } from 'commander';

import { adminCommand } from './cli/admin-command.ts';
import { askCommand } from './cli/ask.ts';
import { auditCommand } from './cli/audit.ts';
import { backupCommand } from './cli/backup.ts';
import { careLocationsCommand } from './cli/care-locations.ts';
import { demoCommand } from './cli/demo.ts';
import { directoryCommand } from './cli/directory.ts';
import { evidenceCommand } from './cli/evidence.ts';
import { failureOf } from './cli/failure.ts';
import type { Io } from './cli/io.ts';
import { noticesCommand } from './cli/notices.ts';
import { objectionsCommand } from './cli/objections.ts';
import { registerCommand } from './cli/register.ts';
import { restoreCommand } from './cli/restore.ts';
import { routeCommand } from './cli/route.ts';
import { serveCommand } from './cli/serve.ts';
import { statusCommand } from './cli/status.ts';
import { tokenCommand } from './cli/token.ts';
import { trustCommand } from './cli/trust.ts';
import { VERSION } from './cli/version.ts';

const LONGEST_LINE = 1000;
let stopAsked: Promise<string> | undefined;

/** The command line's door: the only file of the broker that touches `process`. */
const io: Io = {
  print: (text) => void process.stdout.write(`${text}\n`),
  warn: (text) => void process.stderr.write(`${text}\n`),
  isTerminal: process.stdout.isTTY,
  pid: process.pid,
  node: process.execPath,
  // In a terminal Ctrl-C reaches us and the launcher, which hands it on: the second must not cut the stop short.
  stopped: () =>
    (stopAsked ??= new Promise((resolve) => {
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
        process.on(signal, () => resolve(signal));
    })),
  unhandled: (tell, endMs) => {
    process.on('unhandledRejection', (error) => tell(error, 'rejection'));
    process.on('uncaughtException', (error) => {
      process.exitCode = 1;
      setTimeout(() => process.exit(1), endMs).unref();
      tell(error, 'exception');
    });
  },
  inputLine: () => firstLine(process.stdin),
  fail: (code) => {
    process.exitCode = code;
  },
};

const program = new Command('wayleave')
  .description('Ask neighbouring shared care records about a patient, and answer them.')
  .version(VERSION)
  // `demo` has options of its own that its subcommand has too.
  .enablePositionalOptions()
  .showHelpAfterError('(add --help for what can be written here)')
  .addCommand(serveCommand(io))
  .addCommand(demoCommand(io))
  .addCommand(askCommand(io))
  .addCommand(routeCommand(io))
  .addCommand(tokenCommand(io))
  .addCommand(statusCommand(io))
  .addCommand(careLocationsCommand(io))
  .addCommand(objectionsCommand(io))
  .addCommand(registerCommand(io))
  .addCommand(noticesCommand(io))
  .addCommand(directoryCommand(io))
  .addCommand(evidenceCommand(io))
  .addCommand(auditCommand(io))
  .addCommand(trustCommand(io))
  .addCommand(adminCommand(io))
  .addCommand(backupCommand(io))
  .addCommand(restoreCommand(io))
  .exitOverride();
for (const command of program.commands) command.exitOverride().showHelpAfterError(true);

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // Whoever read our output (head, less) has seen enough.
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

/** As it comes, without waiting for the end of the input: a person ends a line, not a file. */
async function firstLine(input: AsyncIterable<Buffer>): Promise<string> {
  let text = '';
  for await (const chunk of input) {
    text += chunk.toString('utf8');
    if (text.includes('\n') || text.length > LONGEST_LINE) break;
  }
  return text.split('\n')[0] ?? '';
}

try {
  await program.parseAsync();
} catch (error) {
  const failure = failureOf(error);
  if (failure === undefined) throw error;
  if (failure.says !== undefined) io.warn(failure.says);
  process.exitCode = failure.exitCode;
}
