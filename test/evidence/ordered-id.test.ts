import assert from 'node:assert/strict';

import { orderedId } from '../../src/evidence/ordered-id.ts';

const NOW = Date.parse('2026-11-23T00:00:00Z');

describe('an ordered identifier', () => {
  it('is a UUID of version 7 that begins with the time', () => {
    const id = orderedId(NOW + 0.9);
    assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.equal(Number.parseInt(id.slice(0, 13).replace('-', ''), 16), NOW);
  });

  it('sorts behind those of an earlier millisecond', () => {
    const ids = Array.from({ length: 1_000 }, (_, nth) => orderedId(NOW + nth * 1_000));
    assert.deepEqual(ids.toSorted(), ids);
  });

  it('is as unlike the next of the same moment as 74 random bits are', () => {
    const ids = Array.from({ length: 20_000 }, () => orderedId(NOW));
    assert.equal(new Set(ids).size, ids.length);
    // Each bit behind the time is set about as often as not, but for those of version and variant.
    const bits = ids.map((id) => BigInt(`0x${id.slice(14).replaceAll('-', '')}`));
    const fixed = Array.from({ length: 80 }, (_, bit) => {
      const set = bits.filter((value) => (value >> BigInt(79 - bit)) & 1n).length;
      return Math.abs(set / ids.length - 0.5) < 0.05 ? undefined : bit;
    }).filter((bit) => bit !== undefined);
    assert.deepEqual(fixed, [0, 1, 2, 3, 16, 17]);
  });
});
