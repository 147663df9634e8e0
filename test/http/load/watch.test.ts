import assert from 'node:assert/strict';

import { LoadWatch } from '../../../src/http/load/watch.ts';
import { until } from '../../support/until.ts';

const BLOCKED_MS = 200;

describe('the watch over the event loop', () => {
  let watch: LoadWatch;
  let logged: [object, string][];
  let learned: boolean[];
  let logWaitMs: number;

  beforeEach(() => {
    [logged, learned, logWaitMs] = [[], [], 0];
    const write = (fields: object, message: string): void => void logged.push([fields, message]);
    watch = new LoadWatch({
      gate: { learn: (behind) => void learned.push(behind), tick: () => undefined },
      logWaitMs: () => logWaitMs,
      ...{ loopDelayMs: 2_000, blockedMs: BLOCKED_MS, log: { info: write, warn: write, error: write } },
    });
    watch.start();
  });
  afterEach(() => watch.stop());

  function block(ms: number): void {
    for (const end = performance.now() + ms; performance.now() < end;);
  }

  it('says once that it was blocked and for how long, and counts it; one pause is no standing delay', async () => {
    await until(() => learned.length > 0, 'a window');
    learned.length = 0;
    block(BLOCKED_MS * 2);
    await until(() => watch.status().blocked > 0, 'seen');
    const [[fields, message] = [{ ms: 0 }, '']] = logged;
    assert.equal(message, 'the event loop was blocked');
    assert.deepEqual(Object.keys(fields), ['ms']);
    assert.ok((fields as { ms: number }).ms >= BLOCKED_MS);
    assert.equal(logged.length, watch.status().blocked);
    assert.ok(watch.status().p99Ms >= BLOCKED_MS);
    assert.ok(learned.every((behind) => !behind));
  });

  it('is behind while the log does not keep up, whatever the loop does', async () => {
    logWaitMs = 1_001;
    learned.length = 0;
    await until(() => learned.length > 0, 'a window');
    assert.deepEqual(new Set(learned), new Set([true]));
  });
});

describe('the watch over an event loop that is late all the time', () => {
  it('is behind', async () => {
    const learned: boolean[] = [];
    const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
    const watch = new LoadWatch({
      gate: { learn: (behind) => void learned.push(behind), tick: () => undefined },
      ...{ logWaitMs: () => 0, loopDelayMs: 10, blockedMs: 60_000, log: silent },
    });
    watch.start();
    let going = true;
    const busy = (): void => {
      for (const end = performance.now() + 30; performance.now() < end;);
      if (going) setImmediate(busy);
    };
    busy();
    await until(() => learned.includes(true), 'behind');
    going = false;
    watch.stop();
  });
});
