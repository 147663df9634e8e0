import { sql, type RawBuilder } from 'kysely';

/** Where the stores differ in what they are told. */
export interface Dialect {
  /** The type of a column of bytes. */
  readonly bytes: RawBuilder<unknown>;
  /** The type of a column of text, compared byte by byte: an order that no upgrade of a system's locales changes. */
  readonly text: RawBuilder<unknown>;
  /** What has a store keep a column of bytes that nothing compresses in its row, up to 8 KB of the whole row. */
  inRow(table: string, column: string): readonly RawBuilder<unknown>[];
  /** At the end of a table's making: its rows lie in its primary key, where the store can have that. */
  readonly rowsInKey: RawBuilder<unknown>;
  /** A column that is to be compared, not looked up: where a planner without statistics would choose any index. */
  filtered<Value>(column: string): RawBuilder<Value>;
  /** Whether rows are locked one by one; else whoever writes first in a transaction writes alone. */
  readonly locksRows: boolean;
}

export const SQLITE: Dialect = {
  bytes: sql`blob`,
  text: sql`text`,
  inRow: () => [],
  rowsInKey: sql`without rowid`,
  filtered: (column) => sql`+${sql.ref(column)}`,
  locksRows: false,
};
export const POSTGRES: Dialect = {
  bytes: sql`bytea`,
  text: sql`text collate "C"`,
  // Left alone it would try to compress each, and put each above 2 KB into a table of its own, in pieces.
  inRow: (table, column) => [
    sql`alter table ${sql.table(table)} alter column ${sql.ref(column)} set storage external`,
    sql`alter table ${sql.table(table)} set (toast_tuple_target = 8160)`,
  ],
  rowsInKey: sql``,
  filtered: (column) => sql.ref(column),
  locksRows: true,
};
