import { hash } from 'node:crypto';

import { half, isOdd, isSize } from './sizes.ts';

/** Every hash of a tree is SHA-256. */
export const HASH_BYTES = 32;

const LEAF = 0;
const NODE = 1;

/**
 * One-shot hashing into a string of bytes and back is 2 to 3 times as fast as asking for a Buffer, which gets an
 * allocation of its own outside the heap for 32 bytes.
 */
function sha256(bytes: Uint8Array): Buffer {
  return Buffer.from(hash('sha256', bytes, 'binary'), 'latin1');
}

/** MTH of a tree without leaves: SHA-256 of nothing (RFC 9162, 2.1.1). */
export function emptyRoot(): Buffer {
  return sha256(new Uint8Array(0));
}

/** The hash of one log entry: SHA-256(0x00 || entry) (RFC 9162, 2.1.1). */
export function leafHash(entry: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(1 + entry.length);
  bytes[0] = LEAF;
  bytes.set(entry, 1);
  return sha256(bytes);
}

/**
 * The hash over two subtrees: SHA-256(0x01 || left || right) (RFC 9162, 2.1.1).
 *
 * @throws TypeError unless both have 32 bytes.
 */
export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  if (left.length !== HASH_BYTES || right.length !== HASH_BYTES) throw new TypeError('a hash has 32 bytes');
  const bytes = Buffer.allocUnsafe(1 + 2 * HASH_BYTES);
  bytes[0] = NODE;
  bytes.set(left, 1);
  bytes.set(right, 1 + HASH_BYTES);
  return sha256(bytes);
}

const areHashes = (hashes: readonly Uint8Array[]): boolean =>
  hashes.every((each) => each.length === HASH_BYTES);

const equal = (one: Uint8Array, other: Uint8Array): boolean => Buffer.compare(one, other) === 0;

/**
 * True if the leaf stands at `index` (from 0) of the tree of `size` leaves and that root (RFC 9162, 2.1.3.2).
 * Whatever cannot be a proof is false; nothing throws.
 *
 * The root does not commit to the size, so `size` and `root` have to come from one signed checkpoint: a proof may
 * hold for other sizes whose tree has the same path to the leaf.
 */
export function verifyInclusion(
  leaf: Uint8Array,
  index: number,
  size: number,
  proof: readonly Uint8Array[],
  root: Uint8Array,
): boolean {
  if (!isSize(index) || !isSize(size) || index >= size || !areHashes([leaf, root, ...proof])) return false;
  const onLeft = sidesOf(index, size - 1, proof.length);
  if (onLeft === undefined) return false;
  return equal(climb(leaf, proof, onLeft), root);
}

/**
 * For each of `steps` siblings on the way up from place `at` to the root over the places 0 to `last`: does it stand
 * on the left? Undefined if the way has another number of steps.
 */
function sidesOf(at: number, last: number, steps: number): boolean[] | undefined {
  const onLeft: boolean[] = [];
  while (onLeft.length < steps) {
    if (last === 0) return undefined;
    const left = isOdd(at) || at === last;
    // The last place of a level without a sibling goes up as it is, until it has one on its left.
    if (left) while (!isOdd(at) && at !== 0) [at, last] = [half(at), half(last)];
    onLeft.push(left);
    [at, last] = [half(at), half(last)];
  }
  return last === 0 ? onLeft : undefined;
}

function climb(from: Uint8Array, path: readonly Uint8Array[], onLeft: readonly boolean[]): Uint8Array {
  return path.reduce(
    (below, sibling, nth) => (onLeft[nth] ? nodeHash(sibling, below) : nodeHash(below, sibling)),
    from,
  );
}

/**
 * True if the tree of `newSize` leaves begins with the tree of `oldSize` leaves (RFC 9162, 2.1.4.2). Whatever
 * cannot be a proof is false; nothing throws.
 *
 * Between equal sizes, and from the empty tree, the one proof is the empty one; the empty tree's root must be the
 * standard's. Sizes and roots have to come from signed checkpoints, as for `verifyInclusion`.
 */
export function verifyConsistency(
  oldSize: number,
  newSize: number,
  oldRoot: Uint8Array,
  newRoot: Uint8Array,
  proof: readonly Uint8Array[],
): boolean {
  if (!isSize(oldSize) || !isSize(newSize) || oldSize > newSize) return false;
  if (!areHashes([oldRoot, newRoot, ...proof])) return false;
  if (oldSize === 0 && !equal(oldRoot, emptyRoot())) return false;
  if (oldSize === newSize) return proof.length === 0 && equal(oldRoot, newRoot);
  if (oldSize === 0) return proof.length === 0;
  return climbsToBoth(oldSize, newSize, oldRoot, newRoot, proof);
}

/** RFC 9162, 2.1.4.2, for 0 < oldSize < newSize. */
function climbsToBoth(
  oldSize: number,
  newSize: number,
  oldRoot: Uint8Array,
  newRoot: Uint8Array,
  proof: readonly Uint8Array[],
): boolean {
  if (proof.length === 0) return false;
  let at = oldSize - 1;
  let last = newSize - 1;
  while (isOdd(at)) [at, last] = [half(at), half(last)];
  // An old tree of 2^n leaves is a node of the new one: the proof leaves out its root, which the verifier has.
  const [start = oldRoot, ...path] = at === 0 ? [oldRoot, ...proof] : proof;
  const onLeft = sidesOf(at, last, path.length);
  if (onLeft === undefined) return false;
  const old = path.filter((_, nth) => onLeft[nth]).reduce((below, left) => nodeHash(left, below), start);
  return equal(old, oldRoot) && equal(climb(start, path, onLeft), newRoot);
}
