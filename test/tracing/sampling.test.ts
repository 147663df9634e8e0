import assert from 'node:assert/strict';

import { sampling } from '../../src/tracing/sampling.ts';

const recorded = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', sampled: true };
const unrecorded = { ...recorded, sampled: false };

describe('which traces are recorded', () => {
  const sampler = (ratio: number, tracesPerSecond = 1_000, at = () => 0, drawn = () => 0.5) =>
    sampling({ ratio, tracesPerSecond }, at, drawn);

  it('is what a neighbour records', () => {
    assert.equal(sampler(0)('neighbour', recorded), true);
    assert.equal(sampler(1)('neighbour', unrecorded), false);
    assert.equal(sampler(0.4)('neighbour', undefined), false);
    assert.equal(sampler(0.6)('neighbour', undefined), true);
  });

  it('is a part of viewers’ requests, whatever flag or id they come with', () => {
    for (const parent of [recorded, unrecorded, undefined]) {
      assert.equal(sampler(0.4)('viewer', parent), false);
      assert.equal(sampler(0.6)('viewer', parent), true);
      assert.equal(
        sampler(
          0,
          1,
          () => 0,
          () => 0,
        )('viewer', parent),
        false,
      );
    }
  });

  it('is no more than so many in one second, whoever asks for them', () => {
    let at = 10_000;
    const sample = sampler(1, 3, () => at);
    const begin = (): boolean[] =>
      [1, 2, 3, 4, 5].map((nth) => sample(nth % 2 ? 'neighbour' : 'viewer', recorded));
    assert.deepEqual(begin(), [true, true, true, false, false]);
    at = 10_999;
    assert.deepEqual(begin(), [false, false, false, false, false]);
    at = 11_000;
    assert.deepEqual(begin(), [true, true, true, false, false]);
  });
});
