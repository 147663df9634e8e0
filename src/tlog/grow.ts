import { append, type Frontier } from './frontier.ts';
import { largestPowerWithin } from './sizes.ts';
import { hashesAt, hashesOf, rootOfRun, TILE_WIDTH, tilesAtEdge, type Tile } from './tiles.ts';

/** All that a log needs at hand to grow: its frontier, and the partial tile of each level that has one, lowest first. */
export interface TreeEdge {
  readonly frontier: Frontier;
  readonly partials: readonly Tile[];
}

export interface Growth {
  readonly edge: TreeEdge;
  /**
   * The tiles to upsert, by (level, index), in the transaction that writes the entries: the full ones, and the
   * partial ones above level 0 that gained a hash. The partial tile of level 0 is never among them: its hashes are
   * those of the last (at most 255) entries. So a commit writes no tile at all, but for once in 256 entries.
   */
  readonly tiles: readonly Tile[];
}

export function emptyEdge(): TreeEdge {
  return { frontier: { size: 0, hashes: [] }, partials: [] };
}

/**
 * The edge of the tree of `size` leaves, from the hashes of the tiles that `tilesAtEdge` names, in that order.
 * Its frontier follows from them: hold its root against the last checkpoint to know that they are the log's.
 *
 * @throws EvidenceError `malformed` if a tile is missing or too short; hashes beyond its width are left out.
 */
export function edgeFrom(size: number, hashes: readonly Uint8Array[]): TreeEdge {
  const partials = tilesAtEdge(size).map((id, nth) => ({ ...id, hashes: hashesOf(id, hashes[nth]) }));
  const subtrees = partials.toReversed().flatMap(subtreesOf);
  return { frontier: { size, hashes: subtrees }, partials };
}

/** The roots of the complete subtrees that a partial tile is made of, largest first. */
function subtreesOf({ width, hashes }: Tile): Buffer[] {
  const roots: Buffer[] = [];
  for (let from = 0; from < width;) {
    const count = largestPowerWithin(width - from);
    roots.push(rootOfRun(hashes, from, count));
    from += count;
  }
  return roots;
}

/** A full tile's root stands this much higher than its hashes: 2^8 = 256. */
const TILE_HEIGHT = 8;

/**
 * The edge and the tiles that changed after `leafHashes` were appended. The given edge is left as it was, so a
 * commit that fails has nothing to undo.
 *
 * @throws TypeError for a leaf hash without 32 bytes, or too large a tree.
 */
export function grow(edge: TreeEdge, leafHashes: readonly Buffer[]): Growth {
  const rows = new Rows(edge);
  for (const leaf of leafHashes) rows.add(0, leaf);
  const frontier = append(edge.frontier, leafHashes, (height, root) => {
    if (height % TILE_HEIGHT === 0) rows.add(height / TILE_HEIGHT, root);
  });
  const grown = rows.partials();
  const untouched = edge.partials.filter(({ level }) => !rows.touched(level));
  return {
    edge: { frontier, partials: [...grown, ...untouched].toSorted((one, other) => one.level - other.level) },
    tiles: [...rows.full, ...grown.filter(({ level }) => level > 0)],
  };
}

interface Row {
  readonly level: number;
  readonly index: number;
  width: number;
  readonly chunks: Buffer[];
}

/** The rightmost tile of each level while it fills. */
class Rows {
  readonly full: Tile[] = [];
  readonly #edge: TreeEdge;
  readonly #rows = new Map<number, Row>();

  constructor(edge: TreeEdge) {
    this.#edge = edge;
  }

  add(level: number, hash: Buffer): void {
    const row = this.#rows.get(level) ?? this.#open(level);
    row.chunks.push(hash);
    row.width += 1;
    const filled = row.width === TILE_WIDTH;
    if (filled) this.full.push(tileOf(row));
    this.#rows.set(level, filled ? { level, index: row.index + 1, width: 0, chunks: [] } : row);
  }

  touched(level: number): boolean {
    return this.#rows.has(level);
  }

  partials(): Tile[] {
    return [...this.#rows.values()].filter(({ width }) => width > 0).map(tileOf);
  }

  #open(level: number): Row {
    const index = hashesAt(level + 1, this.#edge.frontier.size);
    const partial = this.#edge.partials.find((tile) => tile.level === level);
    return {
      level,
      index,
      width: partial?.width ?? 0,
      chunks: partial === undefined ? [] : [partial.hashes],
    };
  }
}

function tileOf({ level, index, width, chunks }: Row): Tile {
  return { level, index, width, hashes: Buffer.concat(chunks) };
}
