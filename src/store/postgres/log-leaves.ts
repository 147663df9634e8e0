import type { ClientBase, Pool } from 'pg';

import type { StoredLeaf } from '../contracts.ts';
import { inOrder, MOST_ENTRIES, within } from '../log-reads.ts';

/** Reads leaves with the hashes beside them: these three columns alone, as a whole log is read this way. */
export async function readLeaves(
  client: ClientBase | Pool,
  log: string,
  from: number,
  limit: number,
): Promise<StoredLeaf[]> {
  return inOrder(from, within(limit, MOST_ENTRIES), async (...range) => {
    const { rows } = await client.query<[sequence: number, leaf: Buffer, hash: Buffer], unknown[]>({
      name: 'leaves',
      text: `SELECT sequence, leaf, leaf_hash FROM log_entry WHERE log = $1 AND sequence >= $2 AND sequence < $3
        ORDER BY sequence LIMIT $4`,
      values: [log, ...range],
      rowMode: 'array',
    });
    return rows.map(([sequence, leaf, hash]) => ({ sequence, leaf, hash }));
  });
}
