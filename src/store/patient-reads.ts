import type { Kysely } from 'kysely';

import type { Objection, ObjectionStore } from './contracts.ts';
import type { Tables } from './schema.ts';

/** What a region knows of patients beside the log, read the same in every store. */
export function patientReads(db: Kysely<Tables>): Pick<ObjectionStore, 'inForce'> {
  return {
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
