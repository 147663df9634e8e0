import type { Pool, PoolClient, QueryResult } from 'pg';

import { edgeFrom, type TreeEdge } from '../../tlog/grow.ts';
import { tilesAtEdge } from '../../tlog/tiles.ts';
import type { AppendedItem, LogItem } from '../contracts.ts';
import { edgeAt, growLog, newLog, sortOut, type LogRow } from '../tree.ts';
import { withClient } from './connection.ts';
import { Lane } from './lane.ts';
import { insertsOf } from './log-inserts.ts';
import { readTiles } from './log-tiles.ts';
import type { Spending } from './spending.ts';

/** The log's write path: one append at a time, each one transaction. */
export class LogWrites {
  readonly #pool: Pool;
  readonly #spending: Spending;
  readonly #lane = new Lane();
  /** The edges as the last appends of this process left them; held against the stored row before use. */
  readonly #edges = new Map<string, TreeEdge>();

  constructor(pool: Pool, spending: Spending) {
    this.#pool = pool;
    this.#spending = spending;
  }

  append(log: string, items: readonly LogItem[]): Promise<AppendedItem[]> {
    return this.#lane.run(() => withClient(this.#pool, (client) => this.#append(client, log, items)));
  }

  close(): Promise<void> {
    return this.#lane.close();
  }

  async #append(client: PoolClient, log: string, items: readonly LogItem[]): Promise<AppendedItem[]> {
    const grows = items.some((item) => item.entries.length > 0);
    // Together on the way: none waits for the answer to the one before it.
    const [, fresh, row] = await Promise.all([
      client.query('BEGIN ISOLATION LEVEL READ COMMITTED'),
      this.#spending.spend(
        client,
        items.map(({ spend }) => spend),
      ),
      grows ? lockLog(client, log) : newLog(),
    ]);
    const { appended, entries } = sortOut(items, fresh, row.size);
    const edge = entries.length === 0 ? undefined : await this.#edgeOf(client, log, row);
    const grown = edge === undefined ? undefined : growLog(edge, entries);
    const writes = grown === undefined ? [] : insertsOf(log, grown).map((insert) => client.query(insert));
    const [ended] = await Promise.all([this.#commit(client), ...writes]);
    if (ended.command !== 'COMMIT') throw new Error('the transaction was rolled back');
    if (grown !== undefined) this.#edges.set(log, grown.edge);
    return appended;
  }

  async #edgeOf(client: PoolClient, log: string, row: LogRow): Promise<TreeEdge> {
    return (
      edgeAt(row, this.#edges.get(log)) ??
      edgeFrom(row.size, await readTiles(client, log, tilesAtEdge(row.size)))
    );
  }

  async #commit(client: PoolClient): Promise<QueryResult> {
    const [, ended] = await Promise.all([this.#spending.forget(client), client.query('COMMIT')]);
    return ended;
  }
}

/**
 * Locks a log's row until the transaction ends: the log grows at one place at a time, whoever appends. A new log's
 * is made first.
 */
async function lockLog(client: PoolClient, log: string): Promise<LogRow> {
  const locked = () =>
    client.query<LogRow>({
      name: 'lock-log',
      text: 'SELECT size, frontier FROM log WHERE log = $1 FOR UPDATE',
      values: [log],
    });
  const known = (await locked()).rows[0];
  if (known !== undefined) return known;
  const { size, frontier } = newLog();
  await client.query('INSERT INTO log (log, size, frontier) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING', [
    log,
    size,
    frontier,
  ]);
  return (await locked()).rows[0] ?? newLog();
}
