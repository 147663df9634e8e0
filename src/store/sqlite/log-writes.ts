import type { DatabaseSync, SQLInputValue } from 'node:sqlite';

import { edgeFrom, type TreeEdge } from '../../tlog/grow.ts';
import { HASH_BYTES } from '../../tlog/merkle.ts';
import { tilesAtEdge, TILE_WIDTH, type TileId } from '../../tlog/tiles.ts';
import type {
  AppendedItem,
  Closed,
  Decision,
  LogItem,
  NewEntry,
  Succession,
  TreeHead,
} from '../contracts.ts';
import {
  assertWritable,
  edgeAt,
  growLog,
  headIfReadable,
  headOf,
  newLog,
  sortOut,
  workOf,
  type GuardedRow,
  type LogRow,
  type NumberedEntry,
} from '../tree.ts';

type Spend = (issuer: string, jti: string, keepUntil: number) => boolean;

/** The log's write path: prepared statements that run inside the group's transaction. */
export class LogWrites {
  readonly #statements: ReturnType<typeof prepareStatements>;
  readonly #spend: Spend;
  /** The edges as the last writes of this process left them; held against the stored row before use. */
  readonly #edges = new Map<string, TreeEdge>();

  constructor(database: DatabaseSync, spend: Spend) {
    this.#statements = prepareStatements(database);
    this.#spend = spend;
  }

  append(log: string, items: readonly LogItem[]): AppendedItem[] {
    const row = this.#rowOf(log);
    if (items.some(({ entries }) => entries.length > 0)) assertWritable(log, row);
    const fresh = items.map(
      ({ spend, decision }) =>
        (spend === undefined || this.#spend(spend.issuer, spend.jti, spend.keepUntil)) &&
        (decision === undefined || this.#decide(decision)),
    );
    const { appended, entries } = sortOut(items, fresh, row.size);
    if (entries.length > 0) this.#grow(log, row, entries);
    return appended;
  }

  head(log: string): TreeHead {
    return headOf(this.#rowOf(log));
  }

  succeed({ log, next, at, why, first }: Succession): boolean {
    const row = this.#rowOf(log);
    if (row.next !== null) return false;
    if (this.#statements.log.get(next) !== undefined) throw new Error(`${next} is there already`);
    this.#statements.end.run(log, row.size, row.frontier, next, at, why);
    this.#statements.moveWork.run(next, log);
    this.append(next, [first(headIfReadable(row))]);
    return true;
  }

  close({ since, why, detail }: Closed): boolean {
    return this.#statements.close.run(since, why, detail).changes === 1;
  }

  open(at: number, successions: readonly Succession[]): boolean {
    if (this.#statements.reopen.run(at).changes === 0) return false;
    for (const succession of successions) this.succeed(succession);
    return true;
  }

  erase(log: string, sequences: readonly number[]): void {
    for (const sequence of sequences) {
      this.#statements.erase.run(log, sequence);
      this.#statements.eraseKey.run(log, sequence);
      this.#statements.forget.run(log, sequence);
    }
  }

  /**
   * Hashes of tiles; a partial one of level 0 is made of the leaf hashes of its entries, and where the first of them
   * were pruned, of the tile, which was full by then.
   */
  tiles(log: string, wanted: readonly TileId[]): Uint8Array[] {
    return wanted.map(({ level, index, width }) => {
      if (level > 0 || width === TILE_WIDTH) {
        const tile = this.#statements.tile.get(log, level, index);
        if (tile !== undefined) return tile['hashes'] as Uint8Array;
      }
      if (level > 0) return new Uint8Array(0);
      const from = index * TILE_WIDTH;
      const rows = this.#statements.leafHashes.all(log, from, from + width);
      const hashes = rows.map((one) => one['leaf_hash'] as Uint8Array);
      return Buffer.concat([this.#pruned(log, index, width - hashes.length), ...hashes]);
    });
  }

  #decide({ sequence, at, kind, region, by, exchange, detail, seal }: Decision): boolean {
    const values = [sequence, at, kind, region, by, exchange, detail, seal];
    return this.#statements.decide.run(...values, sequence).changes === 1;
  }

  #rowOf(log: string): GuardedRow {
    const row = this.#statements.log.get(log) as unknown as (LogRow & { next: string | null }) | undefined;
    const { since } = this.#statements.closed.get() as unknown as { since: number | null };
    return { ...(row ?? { ...newLog(), next: null }), closed_since: since };
  }

  #pruned(log: string, index: number, count: number): Uint8Array {
    const tile = count === 0 ? undefined : this.#statements.tile.get(log, 0, index);
    return tile === undefined
      ? new Uint8Array(0)
      : (tile['hashes'] as Uint8Array).subarray(0, count * HASH_BYTES);
  }

  #grow(log: string, row: LogRow, entries: readonly NewEntry[]): void {
    const edge =
      edgeAt(row, this.#edges.get(log)) ?? edgeFrom(row.size, this.tiles(log, tilesAtEdge(row.size)));
    const grown = growLog(edge, entries);
    for (const entry of grown.entries) this.#write(log, entry);
    for (const { level, index, hashes } of grown.tiles)
      this.#statements.putTile.run(log, level, index, hashes);
    const { closed, opened } = workOf(grown.entries);
    for (const exchange of closed) this.#statements.closeWork.run(log, exchange);
    for (const { exchange, sequence } of opened) this.#statements.openWork.run(log, exchange, sequence);
    this.#statements.putLog.run(log, grown.row.size, grown.row.frontier);
    this.#edges.set(log, grown.edge);
  }

  #write(log: string, { entry, sequence, leaf, leafHash }: NumberedEntry): void {
    const { index, sealed, exchange } = entry;
    this.#statements.entry.run(
      ...[log, sequence, entry.at, entry.event, exchange],
      ...[index.region, index.jti, index.patient, index.user, index.organisation, index.outcome].map(orNull),
      ...[index.breakGlass === true ? 1 : 0, leaf, leafHash],
    );
    if (sealed !== undefined) {
      this.#statements.sealed.run(log, sequence, sealed.wrappedBy, sealed.wrappedKey, sealed.ciphertext);
    }
  }
}

function orNull(value: string | undefined): SQLInputValue {
  return value ?? null;
}

function prepareStatements(database: DatabaseSync) {
  const prepare = (sql: string) => database.prepare(sql);
  return {
    log: prepare('SELECT size, frontier, next FROM log WHERE log = ?'),
    closed: prepare('SELECT max(closed_since) AS since FROM store_state'),
    putLog: prepare(
      'INSERT INTO log (log, size, frontier) VALUES (?, ?, ?) ' +
        'ON CONFLICT (log) DO UPDATE SET size = excluded.size, frontier = excluded.frontier',
    ),
    end: prepare(
      'INSERT INTO log (log, size, frontier, next, ended_at, why) VALUES (?, ?, ?, ?, ?, ?) ' +
        'ON CONFLICT (log) DO UPDATE SET next = excluded.next, ended_at = excluded.ended_at, why = excluded.why',
    ),
    moveWork: prepare('UPDATE open_work SET log = ? WHERE log = ?'),
    close: prepare(
      'UPDATE store_state SET closed_since = ?, closed_why = ?, closed_detail = ? WHERE closed_since IS NULL',
    ),
    reopen: prepare(
      'UPDATE store_state SET opened_at = ?, closed_since = NULL, closed_why = NULL, closed_detail = NULL ' +
        'WHERE closed_since IS NOT NULL',
    ),
    entry: prepare(
      'INSERT INTO log_entry (log, sequence, at, event, exchange, region, jti, patient, "user", organisation, ' +
        'outcome, break_glass, leaf, leaf_hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    ),
    sealed: prepare(
      'INSERT INTO log_sealed (log, sequence, wrapped_by, wrapped_key, ciphertext) VALUES (?, ?, ?, ?, ?)',
    ),
    decide: prepare(
      'INSERT INTO decision (sequence, at, kind, region, decided_by, exchange, detail, seal) ' +
        'SELECT ?, ?, ?, ?, ?, ?, ?, ? WHERE ? = (SELECT coalesce(max(sequence) + 1, 0) FROM decision)',
    ),
    tile: prepare('SELECT hashes FROM log_tile WHERE log = ? AND level = ? AND tile = ?'),
    putTile: prepare(
      'INSERT INTO log_tile (log, level, tile, hashes) VALUES (?, ?, ?, ?) ' +
        'ON CONFLICT (log, level, tile) DO UPDATE SET hashes = excluded.hashes',
    ),
    leafHashes: prepare(
      'SELECT leaf_hash FROM log_entry WHERE log = ? AND sequence >= ? AND sequence < ? ORDER BY sequence',
    ),
    openWork: prepare(
      'INSERT INTO open_work (log, exchange, sequence) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
    ),
    closeWork: prepare('DELETE FROM open_work WHERE log = ? AND exchange = ?'),
    erase: prepare('DELETE FROM log_sealed WHERE log = ? AND sequence = ?'),
    eraseKey: prepare('DELETE FROM log_key WHERE log = ? AND sequence = ?'),
    forget: prepare('UPDATE log_entry SET patient = NULL, "user" = NULL WHERE log = ? AND sequence = ?'),
  };
}
