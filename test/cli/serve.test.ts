import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

import { startWayleave } from '../support/command.ts';
import { startFederation, type TestFederation } from '../support/federation.ts';

const WITHIN_MS = 20_000;

describe('wayleave serve', () => {
  let federation: TestFederation;
  before(async () => {
    federation = await startFederation({ regions: ['london'] });
    await federation.stopBroker('london');
  });
  after(() => federation.stop());

  it('stops in its own time however often it is told to, and leaves no pid file', async () => {
    const pidFile = join(federation.directory, 'broker.pid');
    const config = join(federation.directory, 'london.yaml');
    const broker = startWayleave('serve', '--config', config, '--pid-file', pidFile);
    broker.stdout.resume();
    broker.stderr.resume();
    const ended = once(broker, 'exit') as Promise<[code: number | null, signal: string | null]>;
    const { port } = federation.config('london').listeners.admin;
    try {
      await until(() => existsSync(pidFile));
      // Half a request keeps the stop waiting, so that the next signals come in the middle of it.
      const caller = await connected(port);
      caller.write('GET /health/ready HTTP/1.1\r\nHost: broker\r\n');
      await sleep(100);
      broker.kill('SIGINT');
      await until(async () => !(await answers(port)));
      for (const signal of ['SIGINT', 'SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
        broker.kill(signal);
        await sleep(50);
      }
      assert.deepEqual([broker.exitCode, broker.signalCode], [null, null]);
      caller.destroy();
      assert.deepEqual(await ended, [0, null]);
      assert.equal(existsSync(pidFile), false);
    } finally {
      broker.kill('SIGKILL');
    }
  });
});

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = performance.now() + WITHIN_MS; performance.now() < end; await sleep(50)) {
    if (await isSo()) return;
  }
  throw new Error('it did not come to pass');
}

async function connected(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  return socket.on('error', () => undefined);
}

async function answers(port: number): Promise<boolean> {
  try {
    (await connected(port)).destroy();
    return true;
  } catch {
    return false;
  }
}
