import { sql, type RawBuilder } from 'kysely';

/** Where the stores differ in what they are told. */
export interface Dialect {
  /** The type of a column of bytes. */
  readonly bytes: RawBuilder<unknown>;
  /** The type of a column of text, compared byte by byte: an order that no upgrade of a system's locales changes. */
  readonly text: RawBuilder<unknown>;
  /** A column that is to be compared, not looked up: where a planner without statistics would choose any index. */
  filtered<Value>(column: string): RawBuilder<Value>;
}

export const SQLITE: Dialect = {
  bytes: sql`blob`,
  text: sql`text`,
  filtered: (column) => sql`+${sql.ref(column)}`,
};
export const POSTGRES: Dialect = {
  bytes: sql`bytea`,
  text: sql`text collate "C"`,
  filtered: (column) => sql.ref(column),
};
