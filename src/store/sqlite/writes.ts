import type { DatabaseSync } from 'node:sqlite';

import type { Objection } from '../contracts.ts';

/** How many spent identifiers are forgotten with each new one: enough to keep up, too few to be felt. */
const FORGET_AT_ONCE = 4;

/** The prepared statements of the write path; each runs inside the group's transaction. */
export function prepareWrites(database: DatabaseSync) {
  const spend = database.prepare(
    'INSERT INTO spent (issuer, jti, keep_until) VALUES (?, ?, ?) ON CONFLICT (issuer, jti) ' +
      'DO UPDATE SET keep_until = excluded.keep_until WHERE spent.keep_until < ?',
  );
  const forget = database.prepare(
    `DELETE FROM spent WHERE rowid IN (SELECT rowid FROM spent WHERE keep_until < ? LIMIT ${FORGET_AT_ONCE})`,
  );
  const count = database.prepare(
    'INSERT INTO refusal_count (code, minute, count) VALUES (?, ?, ?) ' +
      'ON CONFLICT (minute, code) DO UPDATE SET count = count + excluded.count',
  );
  const objection = database.prepare(
    'INSERT INTO objection (patient, kind, from_time, until_time) VALUES (?, ?, ?, ?) ' +
      'ON CONFLICT (patient, kind) DO UPDATE SET from_time = excluded.from_time, until_time = excluded.until_time',
  );
  const cursor = database.prepare(
    'INSERT INTO stream_cursor (stream, log, next) VALUES (?, ?, ?) ' +
      'ON CONFLICT (stream, log) DO UPDATE SET next = excluded.next WHERE stream_cursor.next < excluded.next',
  );
  return {
    spend: (issuer: string, jti: string, keepUntil: number, now: number): boolean => {
      forget.run(now);
      return spend.run(issuer, jti, keepUntil, now).changes === 1;
    },
    countRefusal: (code: string, minute: number, times = 1): void => void count.run(code, minute, times),
    advanceCursor: (stream: string, log: string, next: number): void => void cursor.run(stream, log, next),
    recordObjection: (entry: Objection): void =>
      void objection.run(entry.patient, entry.kind, entry.from, entry.until ?? null),
  };
}
