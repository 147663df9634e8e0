import { Command } from 'commander';
import { rmSync, writeFileSync } from 'node:fs';

import { loadWithLastWhole, startBroker, type Broker } from '../broker.ts';
import { openSecrets } from '../config/open-secrets.ts';
import { CommandFailed, type Io } from './io.ts';

/** Longer than a stop takes that drains. */
const END_MS = 15_000;

export function serveCommand(io: Io): Command {
  return new Command('serve')
    .description("Run one region's broker until it is told to stop.")
    .requiredOption('--config <file>', "the region's configuration file")
    .option('--pid-file <file>', 'write the process id there while running')
    .option('--check', 'read the configuration and keys, say whether they are good, and do not start')
    .option('--json', 'with --check: say so as JSON')
    .action(async (options: { config: string; pidFile?: string; check?: true; json?: true }) => {
      const config = await loadWithLastWhole(options.config);
      const secrets = await openSecrets(config);
      if (options.check) {
        const { region, cut } = config;
        const good = cut.length === 0;
        if (options.json) io.print(JSON.stringify({ region, good, cut: cut.map(({ file }) => file) }));
        else if (good) io.print(`${options.config}: good, for ${region}.`);
        else
          for (const { file } of cut) io.print(`${file} is cut short: what it held before would stand in.`);
        if (good) return;
        throw new CommandFailed(`${options.config}: put back what is cut short.`);
      }
      const broker = await startBroker(config, secrets);
      if (options.pidFile !== undefined) writeFileSync(options.pidFile, `${io.pid}\n`);
      await Promise.race([io.stopped(), thrown(io, broker)]);
      await broker.stop();
      if (options.pidFile !== undefined) rmSync(options.pidFile, { force: true });
    });
}

/** Resolves when an exception was caught by nobody: what state we are in is not known, and somebody has to start anew. */
function thrown(io: Io, broker: Broker): Promise<void> {
  return new Promise((resolve) => {
    io.unhandled((error, what) => {
      broker.unhandled(error, what);
      if (what === 'exception') resolve();
    }, END_MS);
  });
}
