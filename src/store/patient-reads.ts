import type { Kysely } from 'kysely';

import type { CareLocation, CareLocationStore, Objection, ObjectionStore } from './contracts.ts';
import type { Tables } from './schema.ts';

const MOST_LOCATIONS = 200;

/** What a region knows of patients beside the log, read the same in every store. */
export function patientReads(
  db: Kysely<Tables>,
): Pick<CareLocationStore, 'of'> & Pick<ObjectionStore, 'inForce'> {
  return {
    of: async (patients) => {
      if (patients.length === 0) return [];
      const rows = await db
        .selectFrom('care_location')
        .selectAll()
        .where('patient', 'in', [...patients])
        .orderBy('last_seen', 'desc')
        .limit(MOST_LOCATIONS)
        .execute();
      return rows.map(({ first_seen, last_seen, ...row }): CareLocation => ({
        ...row,
        firstSeen: first_seen,
        lastSeen: last_seen,
      }));
    },
    inForce: async (patients, at) => {
      if (patients.length === 0) return [];
      const rows = await db
        .selectFrom('objection')
        .selectAll()
        .where('patient', 'in', [...patients])
        .where('from_time', '<=', at)
        .where((where) => where.or([where('until_time', 'is', null), where('until_time', '>', at)]))
        .execute();
      return rows.map((row) => ({
        patient: row.patient,
        kind: row.kind as Objection['kind'],
        from: row.from_time,
        until: row.until_time ?? undefined,
      }));
    },
  };
}
