import assert from 'node:assert/strict';
import fc from 'fast-check';

import { emptyRoot, leafHash, nodeHash, verifyConsistency, verifyInclusion } from '../../src/tlog/merkle.ts';
import { flipped, naivePath, naivePathRanges, naiveProof, naiveRoot, numbered } from './naive-tree.ts';

const MANY = numbered(40);
const sizes = fc.integer({ min: 1, max: MANY.length });
const leafIn = sizes.chain((size) => fc.tuple(fc.nat(size - 1), fc.constant(size)));
const bit = fc.tuple(fc.nat(31), fc.nat(7));
const leafAt = (index: number): Buffer => MANY[index] ?? Buffer.of();

describe('an inclusion proof', () => {
  it('holds for every leaf of every tree of up to 300 leaves', () => {
    const leaves = numbered(300);
    const known = new Map<string, Buffer>();
    const root = (start: number, end: number): Buffer => {
      const made = known.get(`${start} ${end}`) ?? naiveRoot(leaves.slice(start, end));
      known.set(`${start} ${end}`, made);
      return made;
    };
    for (let size = 1; size <= leaves.length; size += 1) {
      leaves.slice(0, size).forEach((leaf, index) => {
        const path = naivePathRanges(index, size).map(([start, end]) => root(start, end));
        assert.equal(verifyInclusion(leaf, index, size, path, root(0, size)), true, `${index} of ${size}`);
      });
    }
  });

  it('holds for the leaf, and for no change of one bit of the leaf, the root or a hash of it', () => {
    fc.assert(
      fc.property(leafIn, bit, fc.nat(), ([index, size], [at, which], nth) => {
        const tree = MANY.slice(0, size);
        const [leaf, root, proof] = [leafAt(index), naiveRoot(tree), naivePath(index, tree)];
        assert.equal(verifyInclusion(leaf, index, size, proof, root), true);
        assert.equal(verifyInclusion(flipped(leaf, at, which), index, size, proof, root), false);
        assert.equal(verifyInclusion(leaf, index, size, proof, flipped(root, at, which)), false);
        if (proof.length === 0) return;
        const changed = proof.with(nth % proof.length, flipped(proof[nth % proof.length] ?? leaf, at, which));
        assert.equal(verifyInclusion(leaf, index, size, changed, root), false);
      }),
    );
  });

  it('holds at no other index, nor with a hash more or less or in another order', () => {
    fc.assert(
      fc.property(leafIn, fc.nat(MANY.length), fc.nat(), ([index, size], other, nth) => {
        const tree = MANY.slice(0, size);
        const [leaf, root, proof] = [leafAt(index), naiveRoot(tree), naivePath(index, tree)];
        const holds = (at: number, path: readonly Buffer[]): boolean =>
          verifyInclusion(leaf, at, size, path, root);
        assert.equal(holds(other, proof), other === index);
        assert.equal(holds(index, [...proof, root]), false);
        assert.equal(holds(index, [leaf, ...proof]), false);
        assert.equal(holds(index, proof.toSpliced(nth % (proof.length + 1), 0, leafAt(nth % 40))), false);
        if (proof.length > 0) assert.equal(holds(index, proof.toSpliced(nth % proof.length, 1)), false);
        if (proof.length > 1) assert.equal(holds(index, proof.toReversed()), false);
      }),
    );
  });

  it('holds for another size only where that tree has the same way up to the leaf', () => {
    fc.assert(
      fc.property(leafIn, sizes, ([index, size], other) => {
        const tree = MANY.slice(0, size);
        const holds = verifyInclusion(leafAt(index), index, other, naivePath(index, tree), naiveRoot(tree));
        assert.equal(holds, other > index && wayUp(index, other) === wayUp(index, size));
      }),
    );
  });

  for (const [index, size] of [
    [0, 0],
    [1, 1],
    [-1, 1],
    [0.5, 1],
    [0, 1.5],
    [0, NaN],
    [0, 2 ** 53],
  ] as const) {
    it(`is none at index ${index} of ${size}`, () => {
      assert.equal(verifyInclusion(leafAt(0), index, size, [], leafAt(0)), false);
    });
  }

  it('is none that goes on beyond the root of the size', () => {
    const [a, b, c] = [leafAt(0), leafAt(1), leafAt(2)];
    assert.equal(verifyInclusion(b, 0, 1, [a], nodeHash(a, b)), false);
    assert.equal(verifyInclusion(c, 1, 2, [b, a], nodeHash(a, nodeHash(b, c))), false);
  });

  it('is none with a hash of another length', () => {
    const [leaf, sibling] = [leafAt(0), leafAt(1)];
    const root = nodeHash(leaf, sibling);
    assert.equal(verifyInclusion(leaf, 0, 2, [sibling], root), true);
    const short = sibling.subarray(0, 31);
    const long = Buffer.concat([sibling, Buffer.of(0)]);
    for (const wrong of [short, long, Buffer.of()]) {
      assert.equal(verifyInclusion(leaf, 0, 2, [wrong], root), false);
      assert.equal(verifyInclusion(wrong, 0, 1, [], wrong), false);
      assert.throws(() => nodeHash(leaf, wrong), TypeError);
      assert.throws(() => nodeHash(wrong, leaf), TypeError);
    }
  });

  it('does not hold for a node in a leaf’s place', () => {
    const tree = MANY.slice(0, 4);
    const [a = Buffer.of(), b = Buffer.of()] = tree;
    const right = naiveRoot(tree.slice(2));
    assert.equal(
      verifyInclusion(nodeHash(a, b), 0, 2, [right], naiveRoot(tree)),
      true,
      'same shape, other size',
    );
    assert.equal(verifyInclusion(nodeHash(a, b), 0, 4, [right], naiveRoot(tree)), false);
    assert.notDeepEqual(leafHash(Buffer.concat([a, b])), nodeHash(a, b), 'leaves and nodes are hashed apart');
  });
});

/** Which side each hash of a proof stands on, from the leaf up. */
function wayUp(index: number, size: number): string {
  if (size === 1) return '';
  let k = 1;
  while (k * 2 < size) k *= 2;
  return index < k ? `${wayUp(index, k)}R` : `${wayUp(index - k, size - k)}L`;
}

const twoSizes = fc.tuple(sizes, sizes).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);

describe('a consistency proof', () => {
  it('holds, and for no change of one bit of a root or a hash of it', () => {
    fc.assert(
      fc.property(twoSizes, bit, fc.nat(), ([oldSize, newSize], [at, which], nth) => {
        const [oldRoot, newRoot] = [naiveRoot(MANY.slice(0, oldSize)), naiveRoot(MANY.slice(0, newSize))];
        const proof = naiveProof(oldSize, MANY.slice(0, newSize));
        const holds = (one: Buffer, other: Buffer, path: readonly Buffer[]): boolean =>
          verifyConsistency(oldSize, newSize, one, other, path);
        assert.equal(holds(oldRoot, newRoot, proof), true);
        assert.equal(holds(flipped(oldRoot, at, which), newRoot, proof), false);
        assert.equal(holds(oldRoot, flipped(newRoot, at, which), proof), false);
        assert.equal(holds(oldRoot, newRoot, [...proof, newRoot]), false);
        assert.equal(holds(oldRoot, newRoot, [oldRoot, ...proof]), false);
        if (proof.length === 0) return;
        const place = nth % proof.length;
        const changed = proof.with(place, flipped(proof[place] ?? oldRoot, at, which));
        assert.equal(holds(oldRoot, newRoot, changed), false);
        assert.equal(holds(oldRoot, newRoot, proof.toSpliced(place, 1)), false);
      }),
    );
  });

  it('does not hold for a tree whose past was rewritten', () => {
    fc.assert(
      fc.property(twoSizes, fc.nat(), ([oldSize, newSize], nth) => {
        const rewritten = MANY.slice(0, newSize).with(nth % oldSize, leafHash(Buffer.from('rewritten')));
        const [oldRoot, newRoot] = [naiveRoot(MANY.slice(0, oldSize)), naiveRoot(rewritten)];
        const proof = naiveProof(oldSize, rewritten);
        assert.equal(verifyConsistency(oldSize, newSize, oldRoot, newRoot, proof), false);
      }),
    );
  });

  it('is empty between equal sizes and from the empty tree, and only so', () => {
    const [root, other] = [leafAt(0), leafAt(1)];
    const empty = emptyRoot();
    for (const [oldSize, newSize, oldRoot, newRoot, proof, holds] of [
      [1, 1, root, root, [], true],
      [1, 1, root, other, [], false],
      [1, 1, root, root, [root], false],
      [0, 0, empty, empty, [], true],
      [0, 0, empty, empty, [empty], false],
      [0, 0, root, root, [], false],
      [0, 5, empty, root, [], true],
      [0, 5, empty, root, [root], false],
      [0, 5, other, root, [], false],
      [1, 2, root, nodeHash(root, other), [], false],
      [1, 2, root, nodeHash(root, other), [other], true],
      [2, 1, nodeHash(root, other), root, [other], false],
      [2, 1, root, root, [], false],
      [3, 7, root, root, [], false],
      [3, 1, root, root, [root], false],
      [-1, 1, root, root, [], false],
      [1, NaN, root, root, [], false],
      [1, 1.5, root, root, [], false],
      [1, 2 ** 53, root, root, [], false],
    ] as const) {
      assert.equal(
        verifyConsistency(oldSize, newSize, oldRoot, newRoot, proof),
        holds,
        `${oldSize} ${newSize}`,
      );
    }
  });

  it('is none that goes on beyond the root of the size', () => {
    const [a, b, c, d] = [leafAt(0), leafAt(1), leafAt(2), leafAt(3)];
    const [old, grown] = [nodeHash(c, b), nodeHash(c, nodeHash(b, a))];
    assert.equal(
      verifyConsistency(3, 4, old, grown, [b, a, c]),
      true,
      'no log’s heads, but of the right form',
    );
    assert.equal(verifyConsistency(3, 4, nodeHash(d, old), nodeHash(d, grown), [b, a, c, d]), false);
  });

  it('is none with a hash of another length', () => {
    const [root, other] = [leafAt(0), leafAt(1)];
    const both = nodeHash(root, other);
    const short = root.subarray(0, 31);
    assert.equal(verifyConsistency(1, 2, root, both, [other.subarray(0, 31)]), false);
    assert.equal(verifyConsistency(1, 1, short, short, []), false);
    assert.equal(verifyConsistency(0, 1, emptyRoot(), short, []), false);
  });
});
