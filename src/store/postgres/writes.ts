import type { QueryConfig } from 'pg';

import type { Objection } from '../contracts.ts';
import { toText } from './values.ts';

/** The single writes: each is one statement, and so all or nothing. */

export function countRefusal(code: string, minute: number): QueryConfig<unknown[]> {
  return {
    name: 'count-refusal',
    text: `INSERT INTO refusal_count (code, minute, count) VALUES ($1, $2, 1)
      ON CONFLICT (minute, code) DO UPDATE SET count = refusal_count.count + 1`,
    values: [toText(code), minute],
  };
}

export function eraseEntries(log: string, sequences: readonly number[]): QueryConfig<unknown[]> {
  return {
    text: `WITH sealed AS (DELETE FROM log_sealed WHERE log = $1 AND sequence = ANY ($2::bigint[]))
      UPDATE log_entry SET patient = NULL, "user" = NULL WHERE log = $1 AND sequence = ANY ($2::bigint[])`,
    values: [log, sequences],
  };
}

export function advanceCursor(stream: string, log: string, next: number): QueryConfig<unknown[]> {
  return {
    name: 'advance-cursor',
    text: `INSERT INTO stream_cursor (stream, log, next) VALUES ($1, $2, $3)
      ON CONFLICT (stream, log) DO UPDATE SET next = excluded.next WHERE stream_cursor.next < excluded.next`,
    values: [toText(stream), toText(log), next],
  };
}

/**
 * Of what was pruned. It is a statement of its own, after the other: that one waits for a pruning that moves the same
 * key, and only what begins later sees where it was moved to.
 */
export function eraseKeys(log: string, sequences: readonly number[]): QueryConfig<unknown[]> {
  return {
    text: 'DELETE FROM log_key WHERE log = $1 AND sequence = ANY ($2::bigint[])',
    values: [log, sequences],
  };
}

/** Of two for the same patient and kind the later in the call counts. */
export function recordObjections(objections: readonly Objection[]): QueryConfig<unknown[]> {
  return {
    text: `INSERT INTO objection (patient, kind, from_time, until_time)
      SELECT DISTINCT ON (patient, kind) patient, kind, from_time, until_time
      FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[])
        WITH ORDINALITY AS given (patient, kind, from_time, until_time, nth)
      ORDER BY patient, kind, nth DESC
      ON CONFLICT (patient, kind) DO UPDATE SET
        from_time = excluded.from_time, until_time = excluded.until_time`,
    values: [
      objections.map(({ patient }) => toText(patient)),
      objections.map(({ kind }) => kind),
      objections.map(({ from }) => Math.floor(from)),
      objections.map(({ until }) => (until === undefined ? null : Math.ceil(until))),
    ],
  };
}
