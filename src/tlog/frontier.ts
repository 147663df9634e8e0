import { EvidenceError } from '../errors.ts';
import { emptyRoot, HASH_BYTES, nodeHash } from './merkle.ts';
import { assertSize, half, isOdd, isSize, LARGEST_SIZE, onesIn } from './sizes.ts';

/**
 * The compact form of a growing tree: all that is needed to append and to know the root.
 *
 * `hashes` are the roots of its complete subtrees, largest (leftmost) first: one for each one-bit of `size`.
 * At most 53 hashes of 32 bytes.
 */
export interface Frontier {
  /** Leaves, at most 2^53 - 1. */
  readonly size: number;
  readonly hashes: readonly Buffer[];
}

export function emptyFrontier(): Frontier {
  return { size: 0, hashes: [] };
}

/**
 * Called for every subtree that became complete: its height (1 or more, so 2^height leaves) and its root, in the
 * order in which they do, a leaf's own before the next leaf's.
 */
export type Completed = (height: number, root: Buffer) => void;

/**
 * The frontier after `leafHashes` were appended, in about one node hash a leaf. The given one is left as it was,
 * so a commit that fails has nothing to undo.
 *
 * @throws TypeError for a frontier without one hash a one-bit, a leaf hash without 32 bytes, or too large a tree.
 */
export function append(frontier: Frontier, leafHashes: readonly Buffer[], completed?: Completed): Frontier {
  assertFits(frontier);
  if (frontier.size > LARGEST_SIZE - leafHashes.length) throw new TypeError('the tree would be too large');
  const hashes = [...frontier.hashes];
  let size = frontier.size;
  for (const leaf of leafHashes) {
    if (leaf.length !== HASH_BYTES) throw new TypeError('a leaf hash has 32 bytes');
    let root = leaf;
    let height = 0;
    for (let rest = size; isOdd(rest); rest = half(rest)) {
      root = nodeHash(hashes.pop() ?? root, root);
      height += 1;
      completed?.(height, root);
    }
    hashes.push(root);
    size += 1;
  }
  return { size, hashes };
}

/** The tree's root, MTH (RFC 9162, 2.1.1). */
export function rootOf(frontier: Frontier): Buffer {
  assertFits(frontier);
  return foldRight(frontier.hashes);
}

/** The root over complete subtrees that stand side by side, largest first; of none, the empty tree's. */
export function foldRight(subtrees: readonly Buffer[]): Buffer {
  const root = subtrees.reduceRight<Buffer | undefined>(
    (right, left) => (right === undefined ? left : nodeHash(left, right)),
    undefined,
  );
  return root ?? emptyRoot();
}

const SIZE_BYTES = 8;

/** The size as 8 bytes, big-endian, then the hashes, largest subtree first: 8 + 32 bytes a one-bit. */
export function encodeFrontier(frontier: Frontier): Buffer {
  assertFits(frontier);
  const size = Buffer.alloc(SIZE_BYTES);
  size.writeBigUInt64BE(BigInt(frontier.size));
  return Buffer.concat([size, ...frontier.hashes]);
}

/**
 * Reads what `encodeFrontier` wrote.
 *
 * @throws EvidenceError `malformed` unless the length is the one that the size asks for.
 */
export function decodeFrontier(bytes: Uint8Array): Frontier {
  const own = Buffer.from(bytes);
  const size = own.length < SIZE_BYTES ? -1 : Number(own.readBigUInt64BE());
  if (!isSize(size) || own.length !== SIZE_BYTES + onesIn(size) * HASH_BYTES) {
    throw new EvidenceError('malformed', 'frontier');
  }
  const hashes = Array.from({ length: onesIn(size) }, (_, nth) =>
    own.subarray(SIZE_BYTES + nth * HASH_BYTES, SIZE_BYTES + (nth + 1) * HASH_BYTES),
  );
  return { size, hashes };
}

function assertFits(frontier: Frontier): void {
  assertSize(frontier.size);
  if (frontier.hashes.length !== onesIn(frontier.size)) {
    throw new TypeError('a frontier has one hash for each one-bit of its size');
  }
}
