import assert from 'node:assert/strict';

import { EvidenceError } from '../../src/errors.ts';
import { append, emptyFrontier, rootOf } from '../../src/tlog/frontier.ts';
import { leafHash, nodeHash, verifyConsistency, verifyInclusion } from '../../src/tlog/merkle.ts';
import {
  consistencyProof,
  inclusionProof,
  rootAt,
  tilesForConsistency,
  tilesForInclusion,
  tilesForRoot,
  type TileReader,
} from '../../src/tlog/proofs.ts';
import { logOf } from './memory-log.ts';
import { hex, naivePath, naiveProof, naiveRoot, numbered } from './naive-tree.ts';

const FEW = numbered(300);

describe('proofs from tiles, against the recursive definition', () => {
  const log = logOf(FEW, 7);

  it('has the root of every size from 0 to 300', async () => {
    for (let size = 0; size <= FEW.length; size += 1) {
      assert.deepEqual(await rootAt(size, log.read), naiveRoot(FEW.slice(0, size)), String(size));
    }
  });

  it('has inclusion proofs of every tree of up to 300 leaves', async () => {
    for (let size = 1; size <= FEW.length; size += 1) {
      const root = naiveRoot(FEW.slice(0, size));
      const step = size <= 130 || [255, 256, 257, 300].includes(size) ? 1 : 13;
      for (let index = size % step; index < size; index += step) {
        const proof = await inclusionProof(index, size, log.read);
        const leaf = FEW[index] ?? Buffer.of();
        assert.equal(verifyInclusion(leaf, index, size, proof, root), true, `${index} of ${size}`);
      }
    }
  });

  it('gives the same hashes, and no other', async () => {
    for (const size of [1, 2, 3, 31, 32, 33, 255, 256, 257, 300]) {
      const tree = FEW.slice(0, size);
      for (let index = 0; index < size; index += Math.ceil(size / 20)) {
        const proof = await inclusionProof(index, size, log.read);
        assert.deepEqual(hex(proof), hex(naivePath(index, tree)), `${index} of ${size}`);
      }
      for (let old = 1; old <= size; old += Math.ceil(size / 20)) {
        const proof = await consistencyProof(old, size, log.read);
        assert.deepEqual(hex(proof), hex(naiveProof(old, tree)), `${old} to ${size}`);
      }
    }
  });

  it('has every consistency proof of up to 100 leaves, and those about the border of a tile', async () => {
    const border = [254, 255, 256, 257, 258, 300];
    const roots = [naiveRoot([]), ...FEW.map((_, nth) => naiveRoot(FEW.slice(0, nth + 1)))];
    const rootOfFirst = (size: number): Buffer => roots[size] ?? Buffer.of();
    for (const newSize of [...Array.from({ length: 101 }, (_, size) => size), ...border]) {
      for (let old = 0; old <= newSize; old += 1) {
        const proof = await consistencyProof(old, newSize, log.read);
        const holds = verifyConsistency(old, newSize, rootOfFirst(old), rootOfFirst(newSize), proof);
        assert.equal(holds, true, `${old} to ${newSize}`);
      }
    }
  });
});

describe('proofs over several levels of tiles', () => {
  const many = numbered(65_800);
  const log = logOf(many, 1000);
  const sizes = [1, 255, 256, 257, 511, 65_279, 65_280, 65_535, 65_536, 65_537, 65_793, 65_800];

  it('hold between and in trees at the borders of tiles', async () => {
    const roots = new Map(sizes.map((size) => [size, rootOf(append(emptyFrontier(), many.slice(0, size)))]));
    const rootOfFirst = (size: number): Buffer => roots.get(size) ?? Buffer.of();
    for (const newSize of sizes) {
      assert.deepEqual(await rootAt(newSize, log.read), rootOfFirst(newSize));
      for (const old of sizes.filter((size) => size <= newSize)) {
        const proof = await consistencyProof(old, newSize, log.read);
        assert.equal(verifyConsistency(old, newSize, rootOfFirst(old), rootOfFirst(newSize), proof), true);
        const path = await inclusionProof(old - 1, newSize, log.read);
        const leaf = many[old - 1] ?? Buffer.of();
        assert.equal(verifyInclusion(leaf, old - 1, newSize, path, rootOfFirst(newSize)), true);
      }
    }
  });

  it('are the recursive definition’s', async () => {
    const tree = many.slice(0, 65_537);
    assert.deepEqual(hex(await consistencyProof(65_535, 65_537, log.read)), hex(naiveProof(65_535, tree)));
    assert.deepEqual(hex(await inclusionProof(256, 65_537, log.read)), hex(naivePath(256, tree)));
  });

  it('read in one question, of the tiles that were planned, and few', async () => {
    const ids = (tiles: readonly { level: number; index: number }[]): string[] =>
      tiles.map(({ level, index }) => `${level}/${index}`);
    log.reads.length = 0;
    await inclusionProof(300, 65_800, log.read);
    await consistencyProof(65_535, 65_800, log.read);
    await rootAt(65_800, log.read);
    assert.deepEqual(log.reads, [
      ids(tilesForInclusion(300, 65_800)),
      ids(tilesForConsistency(65_535, 65_800)),
      ids(tilesForRoot(65_800)),
    ]);
    assert.deepEqual(log.reads[0], ['0/1', '0/257', '1/0', '1/1']);
  });

  it('plan each tile once, as wide as the tree of that size has it', () => {
    assert.deepEqual(tilesForRoot(65_800), [
      { level: 0, index: 257, width: 8 },
      { level: 1, index: 1, width: 1 },
      { level: 2, index: 0, width: 1 },
    ]);
    assert.deepEqual(tilesForInclusion(0, 256), [{ level: 0, index: 0, width: 256 }]);
    assert.deepEqual(tilesForInclusion(0, 257), [
      { level: 0, index: 0, width: 256 },
      { level: 0, index: 1, width: 1 },
    ]);
    assert.deepEqual(tilesForInclusion(0, 1), []);
    assert.deepEqual(tilesForConsistency(0, 9), []);
    assert.deepEqual(tilesForConsistency(9, 9), []);
    assert.deepEqual(tilesForConsistency(256, 512), [{ level: 1, index: 0, width: 2 }]);
    assert.deepEqual(tilesForRoot(0), []);
  });
});

describe('proofs in a tree of 2^53 - 1 leaves', () => {
  // All leaves alike, so that a subtree's root depends on its height alone.
  const heights = [leafHash(Buffer.from('alike'))];
  for (let height = 1; height <= 52; height += 1) {
    const below = heights[height - 1] ?? Buffer.of();
    heights.push(nodeHash(below, below));
  }
  const read: TileReader = async (wanted) =>
    wanted.map(({ level, width }) =>
      Buffer.concat(Array.from({ length: width }, () => heights[8 * level] ?? Buffer.of())),
    );
  const size = Number.MAX_SAFE_INTEGER;
  const root = rootOf({ size, hashes: heights.toReversed() });

  it('are exact', async () => {
    assert.deepEqual(await rootAt(size, read), root);
    for (const index of [0, 2 ** 31, 2 ** 32 + 1, 2 ** 52 - 1, 2 ** 52, size - 2, size - 1]) {
      const proof = await inclusionProof(index, size, read);
      assert.equal(verifyInclusion(heights[0] ?? root, index, size, proof, root), true, String(index));
    }
    for (const old of [1, 2 ** 31 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 52, 2 ** 52 + 1, size - 1]) {
      const proof = await consistencyProof(old, size, read);
      const oldRoot = await rootAt(old, read);
      assert.equal(verifyConsistency(old, size, oldRoot, root, proof), true, String(old));
      assert.equal(verifyConsistency(old, size, oldRoot, root, proof.slice(1)), false);
    }
  });

  it('grow no further', () => {
    const full = { size, hashes: heights.toReversed() };
    assert.throws(() => append(full, [heights[0] ?? root]), TypeError);
    const almost = { size: size - 1, hashes: heights.slice(1).toReversed() };
    assert.deepEqual(rootOf(append(almost, [heights[0] ?? root])), root);
  });
});

describe('a proof that cannot be made', () => {
  const log = logOf(FEW);
  const never: TileReader = () => assert.fail('reads nothing');

  it('is the caller’s mistake where there is no such leaf or tree', async () => {
    for (const [index, size] of [
      [0, 0],
      [5, 5],
      [-1, 5],
      [0.5, 5],
      [1, 2 ** 53],
    ] as const) {
      await assert.rejects(inclusionProof(index, size, never), TypeError);
    }
    await assert.rejects(consistencyProof(6, 5, never), TypeError);
    await assert.rejects(consistencyProof(-1, 5, never), TypeError);
    await assert.rejects(rootAt(NaN, never), TypeError);
  });

  it('reads nothing where there is nothing to tell', async () => {
    assert.deepEqual(await inclusionProof(0, 1, never), []);
    assert.deepEqual(await consistencyProof(0, 7, never), []);
    assert.deepEqual(await consistencyProof(7, 7, never), []);
    assert.deepEqual(await rootAt(0, never), naiveRoot([]));
  });

  for (const [what, read] of [
    ['missing', async () => []],
    ['too short', async (wanted) => (await log.read(wanted)).map((tile) => tile.subarray(0, -1))],
  ] as const satisfies readonly (readonly [string, TileReader])[]) {
    it(`says that a tile is ${what}`, async () => {
      const malformed = (error: unknown): boolean =>
        error instanceof EvidenceError && error.code === 'malformed';
      await assert.rejects(inclusionProof(3, 300, read), malformed);
      await assert.rejects(consistencyProof(3, 300, read), malformed);
      await assert.rejects(rootAt(300, read), malformed);
    });
  }
});
