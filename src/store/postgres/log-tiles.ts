import type { ClientBase, Pool } from 'pg';

import { HASH_BYTES } from '../../tlog/merkle.ts';
import { TILE_WIDTH, type TileId } from '../../tlog/tiles.ts';

/**
 * Hashes of tiles, in the order asked; a partial one of level 0 is made of the leaf hashes of its entries, and where
 * the first of them were pruned, of the tile, which was full by then.
 */
export async function readTiles(
  client: ClientBase | Pool,
  log: string,
  wanted: readonly TileId[],
): Promise<Buffer[]> {
  if (wanted.length === 0) return [];
  const { rows } = await client.query<{ hashes: Buffer }>({
    name: 'tiles',
    text: `SELECT CASE WHEN wanted.level > 0 OR (wanted.width = ${TILE_WIDTH} AND log_tile.hashes IS NOT NULL)
          THEN coalesce(log_tile.hashes, ''::bytea) ELSE (
          SELECT substring(coalesce(log_tile.hashes, ''::bytea) FROM 1 FOR (wanted.width - count(*)::int) * ${HASH_BYTES})
            || coalesce(string_agg(leaf_hash, ''::bytea ORDER BY sequence), ''::bytea) FROM log_entry
          WHERE log = $1 AND sequence >= wanted.tile * ${TILE_WIDTH}
            AND sequence < wanted.tile * ${TILE_WIDTH} + wanted.width) END AS hashes
      FROM unnest($2::int[], $3::bigint[], $4::int[]) WITH ORDINALITY AS wanted (level, tile, width, nth)
      LEFT JOIN log_tile ON log_tile.log = $1 AND log_tile.level = wanted.level AND log_tile.tile = wanted.tile
      ORDER BY nth`,
    values: [
      log,
      wanted.map(({ level }) => level),
      wanted.map(({ index }) => index),
      wanted.map(({ width }) => width),
    ],
  });
  return rows.map(({ hashes }) => hashes);
}
