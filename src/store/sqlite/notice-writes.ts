import type { DatabaseSync } from 'node:sqlite';

import type { NewNotice } from '../notice-queue.ts';

/** Patients put into the queue, inside the group's transaction: one text for any number of them. */
export function noticeWrites(database: DatabaseSync) {
  // Prepared when first used: a backup of before this table is opened too.
  const prepare = () =>
    database.prepare(
      'INSERT INTO notice_queue (patient, kind, state, home, sealed_number, queued, since, next, tries) ' +
        "VALUES (?1, ?2, 'seen', '', ?3, ?4, ?4, ?4, 0) ON CONFLICT (patient, kind) DO UPDATE SET " +
        "state = 'seen', home = '', sealed_number = excluded.sealed_number, " +
        'queued = ?4, since = ?4, next = ?4, tries = 0 ' +
        "WHERE notice_queue.state IN ('told', 'settled') AND notice_queue.next <= ?5",
    );
  let prepared: ReturnType<typeof prepare> | undefined;
  return (rows: readonly NewNotice[], at: number, dueBy: number): void => {
    prepared ??= prepare();
    for (const { patient, kind, sealedNumber } of rows) prepared.run(patient, kind, sealedNumber, at, dueBy);
  };
}
