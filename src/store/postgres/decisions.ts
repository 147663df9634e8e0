import type { PoolClient } from 'pg';

import type { LogItem } from '../contracts.ts';
import { toText } from './values.ts';

/** @returns for each item whether its decision was the next, or that it has none */
export async function decide(client: PoolClient, items: readonly LogItem[]): Promise<boolean[]> {
  const taken: boolean[] = [];
  for (const { decision } of items) {
    if (decision === undefined) {
      taken.push(true);
      continue;
    }
    const { sequence, at, kind, region, by, exchange, detail, seal } = decision;
    // Of two replicas that decide at once the second waits for the first, and finds its number taken.
    const { rowCount } = await client.query(
      `INSERT INTO decision (sequence, at, kind, region, decided_by, exchange, detail, seal)
        SELECT $1::bigint, $2::bigint, $3, $4, $5, $6, $7, $8
        WHERE $1::bigint = (SELECT coalesce(max(sequence) + 1, 0) FROM decision)
        ON CONFLICT (sequence) DO NOTHING`,
      [sequence, Math.floor(at), ...[kind, region, by, exchange, detail, seal].map(toText)],
    );
    taken.push(rowCount === 1);
  }
  return taken;
}
