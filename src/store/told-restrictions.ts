import type { Kysely } from 'kysely';

import type { ToldRestriction, ToldRestrictionStore } from './contracts.ts';
import { orHouseError } from './failures.ts';
import type { Tables } from './schema.ts';
import type { StatementLane } from './statement-lane.ts';
import { inStatements, larger } from './upserts.ts';

/** Whom demographics told as restricted, the same in every store. */
export function toldRestrictionStore(db: Kysely<Tables>, lane: StatementLane): ToldRestrictionStore {
  return {
    record: (told) =>
      orHouseError('store-unavailable', async () => {
        await lane.write(inStatements(latest(told)).map((part) => insert(db, part).compile()));
      }),
    lift: (patients, before) =>
      orHouseError('store-unavailable', async () => {
        await lane.write(
          // One by one and in the order of `record`, so that two calls at once wait for each other and never both.
          [...new Set(patients)]
            .toSorted()
            .map((patient) =>
              db
                .deleteFrom('told_restriction')
                .where('patient', '=', patient)
                .where('told', '<', Math.floor(before))
                .compile(),
            ),
        );
      }),
    of: (patients) =>
      orHouseError('store-unavailable', async () => {
        const found: ToldRestriction[] = [];
        for (const part of inStatements([...new Set(patients)])) {
          const rows = db.selectFrom('told_restriction').selectAll().where('patient', 'in', part);
          found.push(...(await rows.execute()));
        }
        return found;
      }),
  };
}

function insert(db: Kysely<Tables>, told: readonly ToldRestriction[]) {
  return db
    .insertInto('told_restriction')
    .values(told.map(({ patient, told: at }) => ({ patient, told: Math.ceil(at) })))
    .onConflict((conflict) =>
      conflict.column('patient').doUpdateSet({ told: larger('told_restriction', 'told') }),
    );
}

/** One row for each: one statement may not meet a row twice. In one order. */
function latest(told: readonly ToldRestriction[]): ToldRestriction[] {
  const rows = new Map<string, number>();
  for (const { patient, told: at } of told) rows.set(patient, Math.max(at, rows.get(patient) ?? at));
  return [...rows]
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([patient, at]) => ({ patient, told: at }));
}
