import { EvidenceError } from '../errors.ts';
import { HASH_BYTES, nodeHash } from './merkle.ts';
import { assertSize } from './sizes.ts';

/** Hashes in a full tile (C2SP tlog-tiles, "Merkle Tree"). */
export const TILE_WIDTH = 256;

/**
 * Names a tile as C2SP tlog-tiles does. Level 0 holds leaf hashes; level L the roots of the full tiles of level
 * L - 1. Tile `index` holds the hashes from `index * 256` of its level.
 */
export interface TileId {
  readonly level: number;
  readonly index: number;
  /** Hashes, 1 to 256; 256 is a full tile, which never changes again. */
  readonly width: number;
}

export interface Tile extends TileId {
  /** `width` hashes of 32 bytes, one after another. */
  readonly hashes: Buffer;
}

/** How many hashes a level has in a tree of `size` leaves: its complete subtrees of 256^level leaves. */
export function hashesAt(level: number, size: number): number {
  return Math.floor(size / TILE_WIDTH ** level);
}

/**
 * The partial rightmost tiles of a tree, lowest level first: what a log reads when it starts. That of level 0, if
 * any, is rebuilt from the leaf hashes of the entries from `index * 256` on.
 */
export function tilesAtEdge(size: number): TileId[] {
  assertSize(size);
  const tiles: TileId[] = [];
  for (let level = 0; hashesAt(level, size) > 0; level += 1) {
    const hashes = hashesAt(level, size);
    const width = hashes % TILE_WIDTH;
    if (width > 0) tiles.push({ level, index: Math.floor(hashes / TILE_WIDTH), width });
  }
  return tiles;
}

/** The first `width` hashes of what a store gave for a tile. @throws EvidenceError `malformed` if there are fewer. */
export function hashesOf(id: TileId, given: Uint8Array | undefined): Buffer {
  const length = id.width * HASH_BYTES;
  if (given === undefined || given.length < length) {
    throw new EvidenceError('malformed', `tile ${String(id.level)}/${String(id.index)}`);
  }
  return Buffer.from(given.buffer, given.byteOffset, length);
}

/** The root over `count` hashes (a power of two) of a tile, from its hash `from` on. */
export function rootOfRun(hashes: Buffer, from: number, count: number): Buffer {
  if (count === 1) return hashes.subarray(from * HASH_BYTES, (from + 1) * HASH_BYTES);
  const middle = count / 2;
  return nodeHash(rootOfRun(hashes, from, middle), rootOfRun(hashes, from + middle, middle));
}
