import { sql } from 'kysely';

import type { Tables } from './schema.ts';

/** A statement takes only so many values. */
const ROWS_AT_ONCE = 500;

/** Rows in parts that one statement each can take. */
export function inStatements<Row>(rows: readonly Row[]): Row[][] {
  return Array.from({ length: Math.ceil(rows.length / ROWS_AT_ONCE) }, (_, nth) =>
    rows.slice(nth * ROWS_AT_ONCE, (nth + 1) * ROWS_AT_ONCE),
  );
}

/** What a conflict leaves in a column: the smaller of what is there and what comes. Both stores say `case`, and each calls the shorter form otherwise. */
export function smaller<Table extends keyof Tables>(table: Table, column: keyof Tables[Table] & string) {
  const [held, given] = [sql.ref(`${table}.${column}`), sql.ref(`excluded.${column}`)];
  return sql<number>`case when ${given} < ${held} then ${given} else ${held} end`;
}

/** And the larger. */
export function larger<Table extends keyof Tables>(table: Table, column: keyof Tables[Table] & string) {
  const [held, given] = [sql.ref(`${table}.${column}`), sql.ref(`excluded.${column}`)];
  return sql<number>`case when ${given} > ${held} then ${given} else ${held} end`;
}
