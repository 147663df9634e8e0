import { sql, type Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

import type { Dialect } from '../dialect.ts';
import { dayOf, isDigest, patientKey } from '../sightings.ts';

const AT_ONCE = 500;

/** As the first migration made them. */
interface Former {
  readonly patient: string;
  readonly organisation: string;
  readonly source: string;
  readonly first_seen: number;
  readonly last_seen: number;
}

/**
 * Care locations for millions of patients: the patient as bytes, organisation and source as one small number, days, and the rows
 * in the order of their key. What was there is carried over. It can be cut short anywhere, and called again.
 */
export const careLocations = ({ bytes, text, rowsInKey }: Dialect): Migration => ({
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable('care_place')
      .ifNotExists()
      .addColumn('id', 'integer', (column) => column.primaryKey())
      .addColumn('organisation', text, (column) => column.notNull())
      .addColumn('source', text, (column) => column.notNull())
      .addUniqueConstraint('one_place', ['organisation', 'source'])
      .execute();
    await db.schema
      .createTable('care_sighting')
      .ifNotExists()
      .addColumn('patient', bytes, (column) => column.notNull())
      .addColumn('place', 'integer', (column) => column.notNull())
      .addColumn('first_day', 'integer', (column) => column.notNull())
      .addColumn('last_day', 'integer', (column) => column.notNull())
      .addPrimaryKeyConstraint('one_sighting', ['patient', 'place'])
      .modifyEnd(rowsInKey)
      .execute();
    const tables = await db.introspection.getTables();
    if (!tables.some(({ name }) => name === 'care_location')) return;
    await sql`insert into care_place (id, organisation, source)
      select row_number() over (order by organisation, source), organisation, source
      from (select distinct organisation, source from care_location) as former
      where true on conflict do nothing`.execute(db);
    for (let from = 0; ; from += AT_ONCE) {
      const { rows } = await sql<Former & { readonly id: number }>`select care_location.*, care_place.id
        from care_location join care_place using (organisation, source)
        order by patient, organisation, source limit ${AT_ONCE} offset ${from}`.execute(db);
      for (const row of rows) if (isDigest(row.patient)) await carryOver(db, row);
      if (rows.length < AT_ONCE) break;
    }
    await db.schema.dropTable('care_location').execute();
  },
});

async function carryOver(db: Kysely<unknown>, row: Former & { readonly id: number }): Promise<void> {
  const key = patientKey(row.patient);
  await sql`insert into care_sighting (patient, place, first_day, last_day)
    values (${key}, ${row.id}, ${dayOf(row.first_seen)}, ${dayOf(row.last_seen)})
    on conflict do nothing`.execute(db);
}
