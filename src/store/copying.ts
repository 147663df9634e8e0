/**
 * A store copied whole: from a snapshot, table by table, into a new one. The two may be of different kinds; both
 * have the tables of the same version.
 */

/** A value as both kinds of store have it. */
export type Value = string | number | Uint8Array | null;
export type Row = Readonly<Record<string, Value>>;

/** Everything that a store holds at one moment, whatever is written to it meanwhile. */
export interface Snapshot {
  /** The last migration of its tables. */
  readonly version: string;
  /** The tables that a copy takes, with how many rows each has. */
  readonly tables: readonly { readonly name: string; readonly rows: number }[];
  /** A table's rows in pages, in no order. One table at a time. */
  pages(table: string): AsyncIterable<readonly Row[]>;
  close(): Promise<void>;
}

/** An empty store that is being filled. Until it is finished it is closed: `restoring`. */
export interface Filling {
  readonly version: string;
  insert(table: string, rows: readonly Row[]): Promise<void>;
  /** Leaves the store closed for another reason, whole and on the disk. */
  finish(why: 'restored', since: number, detail: string): Promise<void>;
  /** Lets go of it as it is. */
  close(): Promise<void>;
}

export interface CopyProgress {
  readonly done: number;
  readonly rows: number;
}

/**
 * What no copy takes: whether a store is open, and what a broker's files held, are its own; the migrations are made with the
 * tables.
 */
export const NOT_COPIED = [
  'store_state',
  'whole_file',
  'backup',
  'kysely_migration',
  'kysely_migration_lock',
];

export const ROWS_AT_ONCE = 1_000;

/** A name of a table or a column as SQL has it. */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** @returns how many rows of each table were copied @throws TypeError when the two are of different versions */
export async function copyStore(
  from: Snapshot,
  to: Filling,
  onProgress?: (progress: CopyProgress) => void,
): Promise<Record<string, number>> {
  if (from.version !== to.version) throw new TypeError(`${from.version} is not copied into ${to.version}`);
  const rows = from.tables.reduce((sum, table) => sum + table.rows, 0);
  const copied: Record<string, number> = {};
  let done = 0;
  for (const { name } of from.tables) {
    let count = 0;
    for await (const page of from.pages(name)) {
      await to.insert(name, page);
      count += page.length;
      done += page.length;
      onProgress?.({ done, rows });
    }
    copied[name] = count;
  }
  return copied;
}
