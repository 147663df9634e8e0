import type { ClientBase, Pool } from 'pg';

import { TILE_WIDTH, type TileId } from '../../tlog/tiles.ts';

/** Hashes of tiles, in the order asked; a partial one of level 0 is made of the leaf hashes of its entries. */
export async function readTiles(
  client: ClientBase | Pool,
  log: string,
  wanted: readonly TileId[],
): Promise<Buffer[]> {
  if (wanted.length === 0) return [];
  const { rows } = await client.query<{ hashes: Buffer }>({
    name: 'tiles',
    text: `SELECT coalesce(log_tile.hashes, CASE WHEN wanted.level = 0 THEN (
          SELECT string_agg(leaf_hash, ''::bytea ORDER BY sequence) FROM log_entry
          WHERE log = $1 AND sequence >= wanted.tile * ${TILE_WIDTH}
            AND sequence < wanted.tile * ${TILE_WIDTH} + wanted.width) END, ''::bytea) AS hashes
      FROM unnest($2::int[], $3::bigint[], $4::int[]) WITH ORDINALITY AS wanted (level, tile, width, nth)
      LEFT JOIN log_tile ON log_tile.log = $1 AND log_tile.level = wanted.level AND log_tile.tile = wanted.tile
        AND (wanted.level > 0 OR wanted.width = ${TILE_WIDTH})
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
