import { emptyEdge, grow, type TreeEdge } from '../../src/tlog/grow.ts';
import type { TileReader } from '../../src/tlog/proofs.ts';
import { TILE_WIDTH, type Tile } from '../../src/tlog/tiles.ts';

/** A log as a store keeps it: the leaf hashes of its entries, and the tiles that `grow` gave it to upsert. */
export class MemoryLog {
  edge: TreeEdge = emptyEdge();
  readonly leaves: Buffer[] = [];
  readonly tiles = new Map<string, Tile>();
  /** What each read asked for, `level/index`. */
  readonly reads: string[][] = [];

  append(leaves: readonly Buffer[]): readonly Tile[] {
    const { edge, tiles } = grow(this.edge, leaves);
    this.edge = edge;
    this.leaves.push(...leaves);
    for (const tile of tiles) this.tiles.set(`${tile.level}/${tile.index}`, tile);
    return tiles;
  }

  readonly read: TileReader = async (wanted) => {
    this.reads.push(wanted.map(({ level, index }) => `${level}/${index}`));
    return wanted.map(({ level, index, width }) => {
      const from = index * TILE_WIDTH;
      const kept = this.tiles.get(`${level}/${index}`)?.hashes;
      return kept ?? Buffer.concat(level === 0 ? this.leaves.slice(from, from + width) : []);
    });
  };
}

/** A log of these leaves, appended in commits of `batch` entries. */
export function logOf(leaves: readonly Buffer[], batch = leaves.length): MemoryLog {
  const log = new MemoryLog();
  for (let from = 0; from < leaves.length; from += batch) log.append(leaves.slice(from, from + batch));
  return log;
}
