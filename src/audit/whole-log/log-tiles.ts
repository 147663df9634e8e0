import type { LogStore } from '../../store/contracts.ts';
import { HASH_BYTES } from '../../tlog/merkle.ts';
import { TILE_WIDTH, type Tile, type TileId } from '../../tlog/tiles.ts';
import { LogBroken } from './log-fault.ts';

const TILE_BYTES = TILE_WIDTH * HASH_BYTES;

/** Holds what a store keeps of a log's tree against what the leaves give. */
export class StoredTree {
  readonly #store: LogStore;
  readonly #log: string;

  constructor(store: LogStore, log: string) {
    this.#store = store;
    this.#log = log;
  }

  tiles(wanted: readonly TileId[]): Promise<Uint8Array[]> {
    return this.#store.tiles(this.#log, wanted);
  }

  /**
   * Of some entries: the hash beside each leaf, and the full tiles that they fill.
   *
   * @param first sequence of the first, a multiple of 256
   * @param given what the leaves give, one hash after another
   * @param beside what is kept beside the leaves, for as many
   * @throws LogBroken `leaf` where neither hash nor tile is the leaf's own; else `leaf-hash` or `tile`
   */
  async checkLeaves(first: number, given: Buffer, beside: Buffer): Promise<void> {
    const full = Math.floor(given.length / TILE_BYTES);
    const tiles = await this.tiles(
      Array.from({ length: full }, (_, nth): TileId => ({
        level: 0,
        index: first / TILE_WIDTH + nth,
        width: TILE_WIDTH,
      })),
    );
    for (let nth = 0; nth * TILE_BYTES < given.length; nth += 1) {
      const [from, to] = [nth * TILE_BYTES, (nth + 1) * TILE_BYTES];
      const own = given.subarray(from, to);
      const inRow = firstDifference(own, beside.subarray(from, to));
      const inTile = nth < full ? firstDifference(own, tiles[nth]) : undefined;
      if (inRow === undefined && inTile === undefined) continue;
      const at = Math.min(inRow ?? Infinity, inTile ?? Infinity);
      // Where there is no tile yet, nothing vouches for the leaf against its hash.
      throw brokenAt(first + nth * TILE_WIDTH + at, nth >= full || inRow === inTile, inRow === at);
    }
  }

  /**
   * Tiles above the leaves.
   *
   * @throws LogBroken `tile`
   */
  async checkTiles(tiles: readonly Tile[]): Promise<void> {
    const above = tiles.filter(({ level }) => level > 0);
    if (above.length === 0) return;
    const stored = await this.tiles(above);
    above.forEach(({ level, index, hashes }, nth) => {
      const wrong = firstDifference(hashes, stored[nth]);
      if (wrong === undefined) return;
      const covered = TILE_WIDTH ** level;
      const sequence = (index * TILE_WIDTH + wrong) * covered;
      const says = `tile ${level}/${index} is not what the ${covered} leaves from entry ${sequence} on give`;
      throw new LogBroken('tile', sequence, says);
    });
  }
}

function brokenAt(sequence: number, isLeaf: boolean, inRow: boolean): LogBroken {
  const about = `entry ${sequence}`;
  if (isLeaf)
    return new LogBroken('leaf', sequence, `${about}: the leaf is not the one that the tree covers`);
  if (inRow)
    return new LogBroken('leaf-hash', sequence, `${about}: the hash kept beside the leaf is not its own`);
  return new LogBroken('tile', sequence, `${about}: its hash in the tile of its leaves is not its own`);
}

/** The place of the first hash that differs or is missing; what a store has beyond is from later entries. */
function firstDifference(own: Buffer, stored: Uint8Array | undefined): number | undefined {
  const other = Buffer.from(
    stored?.buffer ?? new ArrayBuffer(0),
    stored?.byteOffset ?? 0,
    stored?.length ?? 0,
  );
  if (own.equals(other.subarray(0, own.length))) return undefined;
  for (let at = 0; at < own.length; at += HASH_BYTES) {
    const end = at + HASH_BYTES;
    if (!own.subarray(at, end).equals(other.subarray(at, end))) return at / HASH_BYTES;
  }
  return undefined;
}
