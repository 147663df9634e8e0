import type { QueryConfig } from 'pg';

import type { Objection, RegisterEntry, RegisterReading } from '../contracts.ts';
import type { NewNotice } from '../notice-queue.ts';
import { toText } from './values.ts';

/** The single writes: each is one statement, and so all or nothing. */

export function countRefusal(code: string, minute: number, times = 1): QueryConfig<unknown[]> {
  return {
    name: 'count-refusal',
    text: `INSERT INTO refusal_count (code, minute, count) VALUES ($1, $2, $3)
      ON CONFLICT (minute, code) DO UPDATE SET count = refusal_count.count + excluded.count`,
    values: [toText(code), minute, times],
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

/** Each patient once. What was given for `joined` is told from what the file says of a patient by its value. */
export function recordRegistered(
  entries: readonly RegisterEntry[],
  { at, joined }: RegisterReading,
): QueryConfig<unknown[]> {
  return {
    text: `INSERT INTO register (patient, sealed_number, practice, from_time, until_time, read_at)
      SELECT patient, sealed_number, practice, coalesce(from_time, $7::bigint), until_time, $6::bigint
      FROM unnest($1::text[], $2::bytea[], $3::text[], $4::bigint[], $5::bigint[])
        AS given (patient, sealed_number, practice, from_time, until_time)
      ORDER BY patient
      ON CONFLICT (patient) DO UPDATE SET
        practice = excluded.practice, read_at = greatest(register.read_at, excluded.read_at),
        from_time = CASE WHEN register.until_time IS NOT NULL THEN excluded.from_time
          ELSE least(register.from_time, nullif(excluded.from_time, $7::bigint)) END,
        until_time = CASE WHEN excluded.until_time IS NOT NULL
          THEN coalesce(register.until_time, excluded.until_time) END
      WHERE register.read_at < excluded.read_at OR register.until_time IS NOT NULL OR excluded.until_time IS NULL`,
    values: [
      entries.map(({ patient }) => toText(patient)),
      entries.map(({ sealedNumber }) => Buffer.from(sealedNumber)),
      entries.map(({ practice }) => toText(practice)),
      entries.map(({ from }) => (from === undefined ? null : Math.floor(from))),
      entries.map(({ until }) => (until === undefined ? null : Math.ceil(until))),
      Math.floor(at),
      joined === undefined ? null : Math.floor(joined),
    ],
  };
}

export function putInQueue(rows: readonly NewNotice[], at: number, dueBy: number): QueryConfig<unknown[]> {
  return {
    name: 'put-in-queue',
    text: `INSERT INTO notice_queue (patient, kind, state, home, sealed_number, queued, since, next, tries)
      SELECT patient, kind, 'seen', '', sealed_number, $4::bigint, $4::bigint, $4::bigint, 0
      FROM unnest($1::text[], $2::text[], $3::bytea[]) WITH ORDINALITY AS given (patient, kind, sealed_number, nth)
      ORDER BY nth
      ON CONFLICT (patient, kind) DO UPDATE SET
        state = 'seen', home = '', sealed_number = excluded.sealed_number, queued = $4::bigint, since = $4::bigint, next = $4::bigint,
        tries = 0
      WHERE notice_queue.state IN ('told', 'settled') AND notice_queue.next <= $5::bigint`,
    values: [
      rows.map(({ patient }) => patient),
      rows.map(({ kind }) => kind),
      rows.map(({ sealedNumber }) => Buffer.from(sealedNumber)),
      at,
      dueBy,
    ],
  };
}
