import type { Pool, PoolClient, QueryResult } from 'pg';

import { edgeFrom, type TreeEdge } from '../../tlog/grow.ts';
import { tilesAtEdge } from '../../tlog/tiles.ts';
import type { AppendedItem, Closed, LogItem, NewEntry, Succession } from '../contracts.ts';
import {
  assertWritable,
  edgeAt,
  growLog,
  headIfReadable,
  newLog,
  sortOut,
  type GrownLog,
  type GuardedRow,
  type LogRow,
} from '../tree.ts';
import { withClient } from './connection.ts';
import { decide } from './decisions.ts';
import { Lane } from './lane.ts';
import { insertsOf } from './log-inserts.ts';
import { readTiles } from './log-tiles.ts';
import type { Spending } from './spending.ts';
import { toText } from './values.ts';

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

  succeed(succession: Succession): Promise<boolean> {
    return this.#inTransaction((client) => this.#succeed(client, succession));
  }

  async closeStore({ since, why, detail }: Closed): Promise<boolean> {
    const { rowCount } = await this.#pool.query(
      'UPDATE store_state SET closed_since = $1, closed_why = $2, closed_detail = $3 WHERE closed_since IS NULL',
      [Math.floor(since), why, toText(detail)],
    );
    return rowCount === 1;
  }

  open(at: number, successions: readonly Succession[]): Promise<boolean> {
    return this.#inTransaction(async (client) => {
      const { rowCount } = await client.query(
        `UPDATE store_state SET opened_at = $1, closed_since = NULL, closed_why = NULL, closed_detail = NULL
          WHERE closed_since IS NOT NULL`,
        [Math.floor(at)],
      );
      if (rowCount === 0) return false;
      for (const succession of successions) await this.#succeed(client, succession);
      return true;
    });
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
    const decided = await decide(client, items);
    const taken = fresh.map((isFresh, nth) => isFresh && decided[nth] === true);
    const { appended, entries } = sortOut(items, taken, row.size);
    const grown = await this.#grow(client, log, row, entries);
    const writes = grown === undefined ? [] : insertsOf(log, grown).map((insert) => client.query(insert));
    const [ended] = await Promise.all([this.#commit(client), ...writes]);
    if (ended.command !== 'COMMIT') throw new Error('the transaction was rolled back');
    if (grown !== undefined) this.#edges.set(log, grown.edge);
    return appended;
  }

  async #grow(
    client: PoolClient,
    log: string,
    row: LogRow | GuardedRow,
    entries: readonly NewEntry[],
  ): Promise<GrownLog | undefined> {
    if ('next' in row) assertWritable(log, row);
    return entries.length === 0 ? undefined : growLog(await this.#edgeOf(client, log, row), entries);
  }

  /** Few and far between: one statement after another. */
  #inTransaction<Result>(work: (client: PoolClient) => Promise<Result>): Promise<Result> {
    return this.#lane.run(() =>
      withClient(this.#pool, async (client) => {
        await client.query('BEGIN ISOLATION LEVEL READ COMMITTED');
        const result = await work(client);
        const { command } = await client.query('COMMIT');
        if (command !== 'COMMIT') throw new Error('the transaction was rolled back');
        return result;
      }),
    );
  }

  async #succeed(client: PoolClient, { log, next, at, why, first }: Succession): Promise<boolean> {
    const row = await lockLog(client, log);
    if (row.next !== null) return false;
    const taken = await client.query('SELECT 1 FROM log WHERE log = $1', [next]);
    if (taken.rowCount !== 0) throw new Error(`${next} is there already`);
    await client.query('UPDATE log SET next = $2, ended_at = $3, why = $4 WHERE log = $1', [
      ...[log, next, Math.floor(at), why],
    ]);
    await client.query('UPDATE open_work SET log = $2 WHERE log = $1', [log, next]);
    const { entries } = first(headIfReadable(row));
    const grown = await this.#grow(client, next, await lockLog(client, next), entries);
    for (const insert of grown === undefined ? [] : insertsOf(next, grown)) await client.query(insert);
    return true;
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
async function lockLog(client: PoolClient, log: string): Promise<GuardedRow> {
  const locked = () =>
    client.query<GuardedRow>({
      name: 'lock-log',
      text: `SELECT size, frontier, next, (SELECT max(closed_since) FROM store_state) AS closed_since
        FROM log WHERE log = $1 FOR UPDATE OF log`,
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
  return (await locked()).rows[0] ?? { ...newLog(), next: null, closed_since: null };
}
