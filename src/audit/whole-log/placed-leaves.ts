import type { StoredLeaf } from '../../store/contracts.ts';
import { HASH_BYTES, leafHash } from '../../tlog/merkle.ts';
import { LogBroken } from './log-fault.ts';

interface Placed {
  /** What the leaves give, and what is kept beside them. */
  readonly hashes: readonly Buffer[];
  readonly beside: Buffer;
  readonly fault?: LogBroken;
}

/** Of the leaves that are in their place, the hashes; and what is wrong with the first that is not. */
export function placedFrom(first: number, leaves: readonly StoredLeaf[]): Placed {
  const hashes: Buffer[] = [];
  const beside = Buffer.alloc(leaves.length * HASH_BYTES);
  const upTo = (fault?: LogBroken): Placed => ({
    hashes,
    beside: beside.subarray(0, hashes.length * HASH_BYTES),
    ...(fault === undefined ? {} : { fault }),
  });
  for (const { sequence, leaf, hash } of leaves) {
    const expected = first + hashes.length;
    if (sequence !== expected) return upTo(missing(expected));
    if (!beginsWith(leaf, `{"seq":${expected},`)) {
      const says = `entry ${expected}: the leaf bears another number, or none`;
      return upTo(new LogBroken('out-of-place', expected, says));
    }
    // One of another length is none: it stays as zeros, which no leaf gives.
    if (hash.length === HASH_BYTES) beside.set(hash, hashes.length * HASH_BYTES);
    hashes.push(leafHash(leaf));
  }
  return upTo();
}

function beginsWith(leaf: Uint8Array, text: string): boolean {
  for (let at = 0; at < text.length; at += 1) if (leaf[at] !== text.charCodeAt(at)) return false;
  return true;
}

export function missing(sequence: number): LogBroken {
  return new LogBroken('missing', sequence, `entry ${sequence} is not there`);
}
