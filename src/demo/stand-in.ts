import { writeFileSync, rmSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import process from 'node:process';

import { StartError } from '../errors.ts';

export interface StandIn {
  readonly listener: RequestListener;
  readonly port: number;
  /** Holds the process id while the stand-in runs. */
  readonly pidFile?: string | undefined;
}

/**
 * Runs one stand-in as this process: listens on 127.0.0.1, prints `ready`, and ends on SIGTERM or SIGINT once
 * the answers under way are sent (two seconds at most).
 *
 * @throws StartError when the port is taken
 */
export async function runStandIn({ listener, port, pidFile }: StandIn): Promise<void> {
  const server = await listenOn(port, listener);
  if (pidFile !== undefined) writeFileSync(pidFile, `${String(process.pid)}\n`);
  const stop = (): void => {
    server.close(() => {
      if (pidFile !== undefined) rmSync(pidFile, { force: true });
      process.exit(0);
    });
    setTimeout(() => server.closeAllConnections(), 2000).unref();
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, stop);
  process.stdout.write('ready\n');
}

/** @throws StartError with a sentence for a person when the port is taken */
export async function listenOn(port: number, listener: RequestListener): Promise<Server> {
  const server = createServer(listener);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = `Port ${String(port)} is taken: stop what listens there, or give another --port.`;
      reject(error.code === 'EADDRINUSE' ? new StartError(taken, { cause: error }) : error);
    });
    server.listen(port, '127.0.0.1', resolve);
  });
  return server;
}

/** Runs `main`; what it throws becomes one sentence on standard error and exit code 1. */
export async function runMain(name: string, main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    process.stderr.write(`${name}: ${error instanceof Error ? error.message : 'could not start'}\n`);
    process.exit(1);
  }
}

/** A TCP port from the command line; undefined when it is missing or is none. */
export function portOf(text: string | undefined): number | undefined {
  const port = Number(text);
  return text !== undefined && /^\d{1,5}$/.test(text) && port >= 1 && port <= 65_535 ? port : undefined;
}
