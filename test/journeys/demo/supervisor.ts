import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

import { recordsOf, REGION_IDS } from '../../../src/demo/places.ts';
import { wayleave } from '../../support/command.ts';
import { isRunning, pidOf, pids, RunningDemo } from '../../support/running-demo.ts';

/** What a person may want to signal has its pid file. */
const PID_FILES = [
  'demo.pid',
  'pds.pid',
  ...REGION_IDS.flatMap((region) => ['broker', ...recordsOf(region)].map((name) => `${region}/${name}.pid`)),
].sort();

/** Starts and ends the demo itself. */
export function supervisor(): void {
  let demo: RunningDemo | undefined;
  after(() => demo?.stop());

  it('a port that is taken: one sentence with the port, exit code 1, nothing left running', async () => {
    const other = createServer();
    await once(other.listen(4411, '127.0.0.1'), 'listening');
    try {
      const { code, err } = await wayleave('demo');
      assert.equal(code, 1);
      assert.match(err, /^127\.0\.0\.1 port 4411: .+\.\n$/);
      assert.deepEqual([...pids().keys()], []);
    } finally {
      await new Promise((closed) => other.close(closed));
    }
  });

  it('no broker runs: the commands say so in one sentence, exit code 1', async () => {
    const [ask, status] = await Promise.all([
      wayleave('ask', '9990000018', '--region', 'london'),
      wayleave('status'),
    ]);
    assert.deepEqual([ask.code, status.code], [1, 1]);
    assert.match(ask.err, /ECONNREFUSED.*npm start/);
    assert.equal(ask.err.trim().split('\n').length, 1);
  });

  it('runs one process for each broker, record and demographics, and names each in a pid file', async () => {
    demo = await RunningDemo.start();
    const running = pids();
    assert.deepEqual([...running.keys()], PID_FILES);
    assert.equal(new Set(running.values()).size, PID_FILES.length);
    assert.deepEqual(
      [...running].filter(([, pid]) => !isRunning(pid)),
      [],
    );
  });

  it('a second demo says that one is running, and leaves it alone', async () => {
    const running = pids();
    assert.ok(demo);
    const { code, err } = await wayleave('demo');
    assert.equal(code, 1);
    assert.match(err, new RegExp(`running already.*${running.get('demo.pid')}.*\\.\n$`));
    assert.deepEqual(pids(), running);
    assert.ok([...running.values()].every(isRunning));
  });

  it('what a killed supervisor leaves behind, the next start ends', async () => {
    const left = pids();
    assert.ok(demo);
    await demo.kill();
    const orphans = [...left].filter(([name]) => name !== 'demo.pid').map(([, pid]) => pid);
    assert.ok(orphans.every(isRunning));
    // One of them cannot even be asked to stop before it is woken.
    process.kill(pidOf('london', 'broker'), 'SIGSTOP');

    demo = await RunningDemo.start();
    assert.match(demo.said, new RegExp(`^Ended ${orphans.length} processes of an earlier run\\.$`, 'm'));
    assert.deepEqual(orphans.filter(isRunning), []);
    assert.deepEqual([...pids().keys()], PID_FILES);
  });

  it('Ctrl-C ends every process, a stopped one too', async () => {
    const running = pids();
    assert.ok(demo);
    process.kill(pidOf('essex-suffolk', 'mid-south-essex'), 'SIGSTOP');
    // A launcher hands on the interrupt that the terminal has given to both.
    demo.interrupt();
    await sleep(20);
    assert.equal(await demo.stop(), 0);
    demo = undefined;
    assert.deepEqual([...running.values()].filter(isRunning), []);
    assert.deepEqual([...pids().keys()], []);
  });
}
