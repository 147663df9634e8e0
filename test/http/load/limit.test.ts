import assert from 'node:assert/strict';

import { AdaptiveLimit, type Window } from '../../../src/http/load/limit.ts';

describe('how many may be under way at once', () => {
  const after = (limit: AdaptiveLimit, times: number, window: Window): number => {
    for (let count = 0; count < times; count += 1) limit.learn(window);
    return limit.now;
  };
  const behind = (busiest: number): Window => ({ behind: true, busiest });
  const good = (busiest: number): Window => ({ behind: false, busiest });

  it('begins between its two ends', () => {
    assert.equal(new AdaptiveLimit({ least: 16, most: 1024 }).now, 128);
    assert.equal(new AdaptiveLimit({ least: 16, most: 20 }).now, 20);
    assert.equal(new AdaptiveLimit({ least: 1, most: 1 }).now, 1);
  });

  it('grows while it is used and we keep up, step by step and never beyond the most', () => {
    const limit = new AdaptiveLimit({ least: 16, most: 200 });
    const first = limit.now;
    assert.equal(after(limit, 1, good(first)), first + 4);
    assert.equal(after(limit, 1_000, good(10_000)), 200);
  });

  it('does not grow on what nobody used', () => {
    const limit = new AdaptiveLimit({ least: 16, most: 1024 });
    assert.equal(after(limit, 100, good(3)), 128);
  });

  it('shrinks by a part of what was under way when we are behind, and never below the least', () => {
    const limit = new AdaptiveLimit({ least: 16, most: 1024 });
    assert.equal(after(limit, 1, behind(100)), 90);
    assert.equal(after(limit, 1, behind(500)), 81);
    assert.equal(after(limit, 100, behind(500)), 16);
    assert.equal(after(limit, 1, behind(0)), 16);
  });

  it('comes back to where it began when what held us up was no flood, and no further', () => {
    const limit = new AdaptiveLimit({ least: 16, most: 1024 });
    after(limit, 10, behind(2));
    assert.equal(limit.now, 16);
    assert.equal(after(limit, 1_000, good(2)), 128);
  });

  it('finds what we can do, and stays near it', () => {
    const limit = new AdaptiveLimit({ least: 4, most: 1024 });
    const seen: number[] = [];
    // More is offered than can be done, which is 60 at once.
    for (let count = 0; count < 300; count += 1) {
      limit.learn({ behind: limit.now > 60, busiest: limit.now });
      if (count > 100) seen.push(limit.now);
    }
    assert.ok(Math.min(...seen) >= 48 && Math.max(...seen) <= 64, `${seen.join(' ')}`);
  });
});
