import assert from 'node:assert/strict';

import { LoadWatch } from '../../../src/http/load/watch.ts';
import { until } from '../../support/until.ts';

describe('the watch over the event loop', () => {
  let now: number;
  let watch: LoadWatch;
  let logged: [object, string][];
  let learned: boolean[];
  let logWaitMs: number;

  beforeEach(() => {
    [now, logged, learned, logWaitMs] = [1_000, [], [], 0];
    const write = (fields: object, message: string): void => void logged.push([fields, message]);
    watch = new LoadWatch({
      gate: { learn: (behind) => void learned.push(behind), tick: () => undefined },
      ...{ clock: () => now, logWaitMs: () => logWaitMs },
      ...{ loopDelayMs: 50, blockedMs: 1_000, log: { info: write, warn: write, error: write } },
    });
  });

  /** So many looks, each so many milliseconds late. */
  function looks(times: number, lateMs: number): void {
    for (let count = 0; count < times; count += 1) {
      now += 20 + lateMs;
      watch.look();
    }
  }

  it('has nothing to tell of a loop that is in time', () => {
    looks(100, 1);
    assert.deepEqual([learned.includes(true), logged, watch.status()], [false, [], { p99Ms: 1, blocked: 0 }]);
    assert.ok(learned.length >= 7 && learned.length <= 9, `${learned.length} windows of about 2 s`);
  });

  it('tells once how long it was blocked, and takes one pause for no overload', () => {
    looks(5, 0);
    looks(1, 1_500);
    looks(20, 0);
    assert.deepEqual(logged, [[{ ms: 1_500 }, 'the event loop was blocked']]);
    assert.equal(watch.status().blocked, 1);
    assert.ok(learned.length > 0 && !learned.includes(true));
  });

  it('is behind when it is late half of the time, however seldom it comes to look', () => {
    for (const lateMs of [51, 300, 5_000]) {
      learned.length = 0;
      looks(30, lateMs);
      // The first window has looks of before in it.
      assert.deepEqual(new Set(learned.slice(1)), new Set([true]), `${lateMs} ms late`);
      looks(30, 0);
      assert.equal(learned.at(-1), false);
    }
  });

  it('is behind while the log does not keep up, whatever the loop does', () => {
    logWaitMs = 1_001;
    looks(30, 0);
    assert.deepEqual(new Set(learned), new Set([true]));
  });

  it('shows the last whole ten seconds', () => {
    looks(480, 0);
    looks(10, 20);
    assert.equal(watch.status().p99Ms, 20);
    looks(500, 0);
    assert.equal(watch.status().p99Ms, 0);
  });

  it('sees a real loop that is late', async () => {
    const real = new LoadWatch({
      gate: { learn: (behind) => void learned.push(behind), tick: () => undefined },
      ...{ clock: () => performance.now(), logWaitMs: () => 0, loopDelayMs: 10, blockedMs: 60_000 },
      log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    });
    real.start();
    let going = true;
    const busy = (): void => {
      for (const end = performance.now() + 60; performance.now() < end;);
      if (going) setImmediate(busy);
    };
    busy();
    await until(() => learned.includes(true), 'behind');
    going = false;
    real.stop();
  });
});
