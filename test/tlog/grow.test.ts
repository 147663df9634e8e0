import assert from 'node:assert/strict';
import fc from 'fast-check';

import { EvidenceError } from '../../src/errors.ts';
import {
  append,
  decodeFrontier,
  emptyFrontier,
  encodeFrontier,
  rootOf,
  type Frontier,
} from '../../src/tlog/frontier.ts';
import { edgeFrom, emptyEdge, grow } from '../../src/tlog/grow.ts';
import { TILE_WIDTH, tilesAtEdge } from '../../src/tlog/tiles.ts';
import { logOf, MemoryLog } from './memory-log.ts';
import { naiveRoot, numbered } from './naive-tree.ts';

const LEAVES = numbered(66_000);
const malformed = (error: unknown): boolean => error instanceof EvidenceError && error.code === 'malformed';

describe('the frontier', () => {
  it('is the same however the leaves came', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(90), { maxLength: 8 }), (batches) => {
        let [frontier, size] = [emptyFrontier(), 0];
        for (const batch of batches) {
          frontier = append(frontier, LEAVES.slice(size, size + batch));
          size += batch;
        }
        assert.deepEqual(frontier, append(emptyFrontier(), LEAVES.slice(0, size)));
        assert.deepEqual(rootOf(frontier), naiveRoot(LEAVES.slice(0, size)));
      }),
    );
  });

  it('leaves the one that it grew from as it was', () => {
    const before = append(emptyFrontier(), LEAVES.slice(0, 7));
    const copy = encodeFrontier(before);
    append(before, LEAVES.slice(7, 20));
    assert.deepEqual(encodeFrontier(before), copy);
  });

  it('tells of each subtree that became complete, lowest first', () => {
    const heights: number[] = [];
    append(emptyFrontier(), LEAVES.slice(0, 8), (height) => heights.push(height));
    assert.deepEqual(heights, [1, 1, 2, 1, 1, 2, 3]);
  });

  it('comes back from its bytes, and from no other number of them', () => {
    for (const size of [0, 1, 2, 7, 255, 256, 1000]) {
      const frontier = append(emptyFrontier(), LEAVES.slice(0, size));
      const bytes = encodeFrontier(frontier);
      assert.deepEqual(decodeFrontier(bytes), frontier);
      assert.deepEqual(decodeFrontier(new Uint8Array(bytes)), frontier);
      assert.throws(() => decodeFrontier(bytes.subarray(0, -1)), malformed);
      assert.throws(() => decodeFrontier(Buffer.concat([bytes, Buffer.of(0)])), malformed);
      assert.throws(() => decodeFrontier(Buffer.concat([bytes, Buffer.alloc(32)])), malformed);
    }
    assert.throws(() => decodeFrontier(Buffer.of()), malformed);
    assert.throws(
      () => decodeFrontier(Buffer.from([0, 0x20, 0, 0, 0, 0, 0, 0, ...Buffer.alloc(32)])),
      malformed,
    );
  });

  it('is refused with a hash too many or too few, as is a leaf hash of another length', () => {
    const [leaf = Buffer.of()] = LEAVES;
    for (const wrong of [
      { size: 2, hashes: [leaf, leaf] },
      { size: 3, hashes: [leaf] },
      { size: -1, hashes: [] },
      { size: 2 ** 53, hashes: [leaf] },
    ] satisfies Frontier[]) {
      assert.throws(() => append(wrong, [leaf]), TypeError);
      assert.throws(() => rootOf(wrong), TypeError);
      assert.throws(() => encodeFrontier(wrong), TypeError);
    }
    assert.throws(() => append(emptyFrontier(), [leaf.subarray(1)]), TypeError);
  });
});

describe('growing tiles', () => {
  it('writes none for a commit within a tile of leaves, and three when it fills', () => {
    const log = logOf(LEAVES.slice(0, 600), 3);
    assert.deepEqual(log.append(LEAVES.slice(600, 767)), []);
    const filling = log.append(LEAVES.slice(767, 770));
    assert.deepEqual(
      filling.map(({ level, index, width }) => [level, index, width]),
      [
        [0, 2, 256],
        [1, 0, 3],
      ],
    );
  });

  it('gives every tile of the tree, whatever the commits were', () => {
    for (const batch of [1, 255, 256, 257, 10_000, 66_000]) {
      const { tiles, edge } = logOf(LEAVES, batch);
      const full = (level: number): number => Math.floor(LEAVES.length / TILE_WIDTH ** (level + 1));
      assert.equal(tiles.size, full(0) + full(1) + 1 + 1);
      for (const { level, index, width, hashes } of tiles.values()) {
        assert.equal(hashes.length, width * 32);
        if (level > 0) continue;
        assert.deepEqual(hashes, Buffer.concat(LEAVES.slice(index * TILE_WIDTH, (index + 1) * TILE_WIDTH)));
      }
      assert.deepEqual(
        edge.partials.map(({ level, index, width }) => ({ level, index, width })),
        tilesAtEdge(66_000),
      );
      assert.deepEqual(edge.frontier, append(emptyFrontier(), LEAVES));
    }
  });

  it('holds in each level the roots of the full tiles below', () => {
    const { tiles } = logOf(LEAVES, 999);
    for (const { level, index, width, hashes } of tiles.values()) {
      if (level === 0) continue;
      for (let nth = 0; nth < width; nth += 1) {
        const below = tiles.get(`${level - 1}/${index * TILE_WIDTH + nth}`)?.hashes ?? Buffer.of();
        const row = Array.from({ length: TILE_WIDTH }, (_, at) => below.subarray(32 * at, 32 * at + 32));
        assert.deepEqual(hashes.subarray(32 * nth, 32 * nth + 32), naiveRoot(row));
      }
    }
  });

  it('goes on from the edge that a store gives back, at every kind of size', async () => {
    for (const size of [0, 1, 255, 256, 257, 512, 65_535, 65_536, 65_537, 65_900]) {
      const before = logOf(LEAVES.slice(0, size), 4000);
      const edge = edgeFrom(size, await before.read(tilesAtEdge(size)));
      assert.deepEqual(edge, before.edge);
      const more = LEAVES.slice(size, size + 300);
      assert.deepEqual(grow(edge, more), grow(before.edge, more));
      assert.deepEqual(rootOf(edge.frontier), rootOf(append(emptyFrontier(), LEAVES.slice(0, size))));
    }
  });

  it('leaves the edge that it grew from as it was', () => {
    const { edge } = logOf(LEAVES.slice(0, 700));
    const copy = structuredClone(edge);
    grow(edge, LEAVES.slice(700, 1500));
    assert.deepEqual(structuredClone(edge), copy);
    assert.deepEqual(grow(emptyEdge(), []), { edge: emptyEdge(), tiles: [] });
  });

  it('has another root where a tile at the edge was changed, and no edge where one is missing or short', async () => {
    const log = logOf(LEAVES.slice(0, 600));
    const tiles = (await log.read(tilesAtEdge(600))).map((tile) => Buffer.from(tile));
    assert.equal(tiles.length, 2);
    for (const tile of tiles) {
      tile[9] = (tile[9] ?? 0) ^ 1;
      assert.notDeepEqual(rootOf(edgeFrom(600, tiles).frontier), rootOf(log.edge.frontier));
      tile[9] = (tile[9] ?? 0) ^ 1;
    }
    assert.deepEqual(rootOf(edgeFrom(600, tiles).frontier), rootOf(log.edge.frontier));
    assert.throws(() => edgeFrom(600, tiles.slice(1)), malformed);
    assert.throws(() => edgeFrom(600, tiles.with(1, tiles[1]?.subarray(1) ?? Buffer.of())), malformed);
    assert.throws(() => edgeFrom(1.5, []), TypeError);
  });

  it('refuses a leaf hash of another length', () => {
    assert.throws(() => new MemoryLog().append([Buffer.alloc(31)]), TypeError);
  });
});
