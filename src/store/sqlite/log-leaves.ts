import type { DatabaseSync } from 'node:sqlite';

import type { StoredLeaf } from '../contracts.ts';
import { MOST_ENTRIES, within } from '../log-reads.ts';

/**
 * Reads leaves with the hashes beside them. Rows come as arrays, without kysely: a whole log is read this way, and
 * an object for each row takes as long as the row.
 */
export function leafReader(
  database: DatabaseSync,
): (log: string, sequence: number, limit: number) => StoredLeaf[] {
  const select = database.prepare(
    'SELECT sequence, leaf, leaf_hash FROM log_entry WHERE log = ? AND sequence >= ? ORDER BY sequence LIMIT ?',
  );
  select.setReturnArrays(true);
  return (log, from, limit) => {
    const rows = select.all(log, from, within(limit, MOST_ENTRIES)) as unknown as Row[];
    return rows.map(([sequence, leaf, hash]) => ({ sequence, leaf, hash }));
  };
}

type Row = [sequence: number, leaf: Uint8Array, hash: Uint8Array];
