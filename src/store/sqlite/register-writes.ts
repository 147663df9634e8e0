import type { DatabaseSync } from 'node:sqlite';

import type { RegisterEntry, RegisterReading } from '../contracts.ts';

/** Entries of the register, inside the group's transaction. */
export function registerWrites(database: DatabaseSync) {
  const record = database.prepare(
    'INSERT INTO register (patient, sealed_number, practice, from_time, until_time, read_at) ' +
      'VALUES (?1, ?2, ?3, coalesce(?4, ?7), ?5, ?6) ON CONFLICT (patient) DO UPDATE SET ' +
      'practice = excluded.practice, read_at = max(register.read_at, excluded.read_at), ' +
      'from_time = CASE WHEN register.until_time IS NOT NULL THEN excluded.from_time ' +
      'ELSE min(coalesce(register.from_time, ?4), coalesce(?4, register.from_time)) END, ' +
      'until_time = CASE WHEN excluded.until_time IS NOT NULL ' +
      'THEN coalesce(register.until_time, excluded.until_time) END ' +
      'WHERE register.read_at < excluded.read_at OR register.until_time IS NOT NULL OR excluded.until_time IS NULL',
  );
  return (entries: readonly RegisterEntry[], { at, joined }: RegisterReading): void => {
    for (const { patient, sealedNumber, practice, from, until } of entries) {
      record.run(patient, sealedNumber, practice, from ?? null, until ?? null, at, joined ?? null);
    }
  };
}
