import type { Command } from 'commander';

import { failureOf } from '../../src/cli/failure.ts';
import type { Io } from '../../src/cli/io.ts';
import type { Ran } from '../support/command.ts';

/** Runs a command in this process, as `src/main.ts` does in its own: for tests of many calls. */
export async function called(
  commandOf: (io: Io) => Command,
  words: readonly string[],
  input = '',
): Promise<Ran> {
  const said = { out: '', err: '' };
  let code = 0;
  const io: Io = {
    print: (text) => void (said.out += `${text}\n`),
    warn: (text) => void (said.err += `${text}\n`),
    isTerminal: false,
    pid: process.pid,
    node: process.execPath,
    unhandled: () => undefined,
    stopped: () => Promise.resolve('SIGTERM'),
    inputLine: () => Promise.resolve(input.split('\n')[0] ?? ''),
    fail: (exit) => void (code = exit),
  };
  const command = commandOf(io);
  const output = { writeOut: io.print, writeErr: io.warn };
  for (const one of withSubcommands(command)) one.configureOutput(output).exitOverride();
  try {
    await command.parseAsync(words, { from: 'user' });
  } catch (error) {
    const failure = failureOf(error);
    if (failure === undefined) throw error;
    code = failure.exitCode;
    said.err += failure.says ?? '';
  }
  return { code, ...said };
}

function withSubcommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withSubcommands)];
}
