import { foldRight } from './frontier.ts';
import { assertSize, largestPowerWithin } from './sizes.ts';
import { hashesAt, hashesOf, rootOfRun, TILE_WIDTH, type TileId } from './tiles.ts';

/**
 * Reads tiles: `wanted` is asked for at once, at most once a proof, so that one query can bring them all. Gives
 * each tile's hashes in the order asked; more than `width` hashes may come (a tile that has grown since), and are
 * left out. The partial tile of level 0 is made of the leaf hashes of its entries.
 */
export type TileReader = (wanted: readonly TileId[]) => Promise<readonly Uint8Array[]>;

/** Leaves from `start` up to, not including, `end`, that have a node of their own in the tree. */
type Range = readonly [start: number, end: number];

/**
 * The hashes that prove that the leaf at `index` is in the tree of `size` leaves, leaf's sibling first (PATH,
 * RFC 9162, 2.1.3.1).
 *
 * @throws TypeError unless 0 <= index < size; EvidenceError `malformed` if a tile is missing or too short.
 */
export async function inclusionProof(index: number, size: number, read: TileReader): Promise<Buffer[]> {
  return rootsOf(inclusionRanges(index, size), size, read);
}

/**
 * The hashes that prove that the tree of `newSize` leaves begins with that of `oldSize` (PROOF, RFC 9162, 2.1.4.1):
 * none between equal sizes or from the empty tree.
 *
 * @throws TypeError unless oldSize <= newSize; EvidenceError `malformed` if a tile is missing or too short.
 */
export async function consistencyProof(
  oldSize: number,
  newSize: number,
  read: TileReader,
): Promise<Buffer[]> {
  return rootsOf(consistencyRanges(oldSize, newSize), newSize, read);
}

/**
 * The root that the tree had at `size` leaves.
 *
 * @throws TypeError for what is no size; EvidenceError `malformed` if a tile is missing or too short.
 */
export async function rootAt(size: number, read: TileReader): Promise<Buffer> {
  const [root] = await rootsOf(wholeTree(size), size, read);
  return root ?? foldRight([]);
}

/** The tiles that `inclusionProof` reads, each once, lowest level first. */
export function tilesForInclusion(index: number, size: number): TileId[] {
  return tilesFor(inclusionRanges(index, size), size);
}

/** The tiles that `consistencyProof` reads, each once, lowest level first. */
export function tilesForConsistency(oldSize: number, newSize: number): TileId[] {
  return tilesFor(consistencyRanges(oldSize, newSize), newSize);
}

/** The tiles that `rootAt` reads, each once, lowest level first. */
export function tilesForRoot(size: number): TileId[] {
  return tilesFor(wholeTree(size), size);
}

function inclusionRanges(index: number, size: number): Range[] {
  assertSize(index);
  assertSize(size);
  if (index >= size) throw new TypeError('the leaf must be in the tree');
  const ranges: Range[] = [];
  let [start, end] = [0, size];
  while (end - start > 1) {
    const middle = middleOf(start, end);
    if (index < middle) {
      ranges.unshift([middle, end]);
      end = middle;
    } else {
      ranges.unshift([start, middle]);
      start = middle;
    }
  }
  return ranges;
}

function consistencyRanges(oldSize: number, newSize: number): Range[] {
  assertSize(oldSize);
  assertSize(newSize);
  if (oldSize > newSize) throw new TypeError('the old tree cannot be larger than the new one');
  if (oldSize === 0) return [];
  const ranges: Range[] = [];
  let [start, end] = [0, newSize];
  while (oldSize < end) {
    const middle = middleOf(start, end);
    if (oldSize <= middle) {
      ranges.unshift([middle, end]);
      end = middle;
    } else {
      ranges.unshift([start, middle]);
      start = middle;
    }
  }
  // The verifier knows the old root itself: only a part of the old tree has to be told.
  return start === 0 ? ranges : [[start, end], ...ranges];
}

function wholeTree(size: number): Range[] {
  assertSize(size);
  return size === 0 ? [] : [[0, size]];
}

/** Where the tree over a range of two or more leaves parts: after the largest power of two that leaves a rest. */
function middleOf(start: number, end: number): number {
  return start + largestPowerWithin(end - start - 1);
}

/** Hashes side by side in one tile whose root is a complete subtree's. */
interface Run {
  readonly tile: TileId;
  readonly from: number;
  readonly count: number;
}

/** The complete subtrees that a range is made of, largest first, each where the tiles of the tree hold it. */
function runsOf([start, end]: Range, size: number): Run[] {
  const runs: Run[] = [];
  for (let at = start; at < end;) {
    const leaves = largestPowerWithin(end - at);
    let [level, count] = [0, leaves];
    for (; count >= TILE_WIDTH; count /= TILE_WIDTH) level += 1;
    const position = at / TILE_WIDTH ** level;
    const index = Math.floor(position / TILE_WIDTH);
    const width = Math.min(TILE_WIDTH, hashesAt(level, size) - index * TILE_WIDTH);
    runs.push({ tile: { level, index, width }, from: position % TILE_WIDTH, count });
    at += leaves;
  }
  return runs;
}

const keyOf = ({ level, index }: TileId): string => `${String(level)}/${String(index)}`;

function tilesFor(ranges: readonly Range[], size: number): TileId[] {
  const tiles = ranges.flatMap((range) => runsOf(range, size)).map(({ tile }) => tile);
  const once = new Map(tiles.map((tile) => [keyOf(tile), tile]));
  return [...once.values()].toSorted((one, other) => one.level - other.level || one.index - other.index);
}

async function rootsOf(ranges: readonly Range[], size: number, read: TileReader): Promise<Buffer[]> {
  const wanted = tilesFor(ranges, size);
  const given = wanted.length === 0 ? [] : await read(wanted);
  const tiles = new Map(wanted.map((tile, nth) => [keyOf(tile), hashesOf(tile, given[nth])]));
  return ranges.map((range) =>
    foldRight(
      runsOf(range, size).map(({ tile, from, count }) =>
        rootOfRun(tiles.get(keyOf(tile)) ?? Buffer.of(), from, count),
      ),
    ),
  );
}
