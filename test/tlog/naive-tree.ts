import { createHash } from 'node:crypto';

/** RFC 9162's recursive definitions, written down as they stand there: what the rooms' ways are held against. */
const sha256 = (...parts: Uint8Array[]): Buffer =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();

export const naiveLeaf = (entry: Uint8Array): Buffer => sha256(Buffer.of(0), entry);

/** 2.1.1: MTH, over leaf hashes. */
export function naiveRoot(leaves: readonly Buffer[]): Buffer {
  const [only] = leaves;
  if (only === undefined) return sha256();
  if (leaves.length === 1) return only;
  const k = split(leaves.length);
  return sha256(Buffer.of(1), naiveRoot(leaves.slice(0, k)), naiveRoot(leaves.slice(k)));
}

/** 2.1.3.1: PATH, as the ranges [start, end) of the leaves under each of its hashes. */
export function naivePathRanges(m: number, n: number, start = 0): (readonly [number, number])[] {
  if (n === 1) return [];
  const k = split(n);
  return m < k
    ? [...naivePathRanges(m, k, start), [start + k, start + n]]
    : [...naivePathRanges(m - k, n - k, start + k), [start, start + k]];
}

export function naivePath(m: number, leaves: readonly Buffer[]): Buffer[] {
  return naivePathRanges(m, leaves.length).map(([start, end]) => naiveRoot(leaves.slice(start, end)));
}

/** 2.1.4.1: PROOF. */
export function naiveProof(m: number, leaves: readonly Buffer[]): Buffer[] {
  return naiveSubproof(m, leaves, true);
}

function naiveSubproof(m: number, leaves: readonly Buffer[], known: boolean): Buffer[] {
  const n = leaves.length;
  if (m === n) return known ? [] : [naiveRoot(leaves)];
  const k = split(n);
  return m <= k
    ? [...naiveSubproof(m, leaves.slice(0, k), known), naiveRoot(leaves.slice(k))]
    : [...naiveSubproof(m - k, leaves.slice(k), false), naiveRoot(leaves.slice(0, k))];
}

function split(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

/** Distinct leaf hashes: of the numbers from 0, four bytes each. */
export function numbered(count: number): Buffer[] {
  return Array.from({ length: count }, (_, nth) => {
    const entry = Buffer.alloc(4);
    entry.writeUInt32BE(nth);
    return naiveLeaf(entry);
  });
}

export const hex = (hashes: readonly Uint8Array[]): string[] =>
  hashes.map((each) => Buffer.from(each).toString('hex'));

/** The bytes with one bit of one byte the other way round. */
export function flipped(bytes: Uint8Array, at: number, bit = 0): Buffer {
  const changed = Buffer.from(bytes);
  changed[at] = (changed[at] ?? 0) ^ (1 << bit);
  return changed;
}
