import { Command, InvalidArgumentError } from 'commander';
import { rmSync, writeFileSync } from 'node:fs';

import { FIFTH_RECORD_PORT } from '../demo/places.ts';
import { portOf } from '../demo/stand-in.ts';
import type { Io } from './io.ts';

export function fifthRecordCommand(io: Io): Command {
  return new Command('fifth-record')
    .description(
      "Run what stands for a fifth region's own record platform, until Ctrl-C; docs/trust.md says how the region joins.",
    )
    .option('--port <port>', 'where it listens on 127.0.0.1', port, FIFTH_RECORD_PORT)
    .option('--pid-file <file>', 'write the process id there while running')
    .option('--json', 'say where it is as JSON')
    .action(async (options: { port: number; pidFile?: string; json?: true }) => {
      const stopped = io.stopped();
      // The definitions of FHIR take a while to read: no other command is to wait for them.
      const { startFifthRecord } = await import('../demo/fifth-record.ts');
      const record = await startFifthRecord(options.port, new Date());
      if (options.pidFile !== undefined) writeFileSync(options.pidFile, `${io.pid}\n`);
      io.print(
        options.json
          ? JSON.stringify({ base: record.base, resources: record.resources })
          : `Greater Manchester's record is at ${record.base}: ${record.resources} resources.`,
      );
      await stopped;
      await record.stop();
      if (options.pidFile !== undefined) rmSync(options.pidFile, { force: true });
    });
}

function port(text: string): number {
  const found = portOf(text);
  if (found === undefined) throw new InvalidArgumentError('Write a port from 1 to 65535.');
  return found;
}
