import { sql, type Kysely } from 'kysely';

import type { KnownRegion, KnownRegionStore, ToldBy } from './contracts.ts';
import { orHouseError } from './failures.ts';
import { within } from './log-reads.ts';
import type { Tables } from './schema.ts';
import type { StatementLane } from './statement-lane.ts';
import { inStatements, larger, smaller } from './upserts.ts';

export const MOST_REGIONS = 200;
const MOST_FORGOTTEN = 1_000;

/** Where patients of ours are held, the same in every store. */
export function knownRegionStore(db: Kysely<Tables>, lane: StatementLane): KnownRegionStore {
  return {
    record: (known) =>
      orHouseError('store-unavailable', async () => {
        const rows = widened(known);
        await lane.write(inStatements(rows).map((part) => insert(db, part).compile()));
      }),
    of: (patients) =>
      orHouseError('store-unavailable', async () => {
        if (patients.length === 0) return [];
        const rows = await db
          .selectFrom('known_region')
          .selectAll()
          .where('patient', 'in', [...patients])
          .orderBy('last_told', 'desc')
          .limit(MOST_REGIONS)
          .execute();
        return rows.map(({ patient, region, how, told_by, first_told, last_told }): KnownRegion => ({
          ...{ patient, region, how: how as ToldBy, from: told_by },
          ...{ firstTold: first_told, lastTold: last_told },
        }));
      }),
    forget: (before, limit) =>
      orHouseError('store-unavailable', async () => {
        const deleting = sql`delete from known_region where (patient, region, how, told_by) in
          (select patient, region, how, told_by from known_region where last_told < ${Math.floor(before)}
            order by last_told limit ${within(limit, MOST_FORGOTTEN)}) returning patient`;
        const [gone = []] = await lane.write([deleting.compile(db)]);
        return gone.length;
      }),
    toldBy: (teller) =>
      orHouseError('store-unavailable', async () => {
        const rows = await db
          .selectFrom('known_region')
          .select((eb) => ['region', 'how', eb.fn.countAll<number>().as('count')])
          .where('told_by', '=', teller)
          .groupBy(['region', 'how'])
          .orderBy('region')
          .orderBy('how')
          .execute();
        return rows.map((row) => ({ ...row, how: row.how as ToldBy }));
      }),
    forgetTeller: (teller, limit) =>
      orHouseError('store-unavailable', async () => {
        const deleting = sql`delete from known_region where (patient, region, how, told_by) in
          (select patient, region, how, told_by from known_region where told_by = ${teller}
            order by patient limit ${within(limit, MOST_FORGOTTEN)}) returning patient`;
        const [gone = []] = await lane.write([deleting.compile(db)]);
        return gone.length;
      }),
  };
}

function insert(db: Kysely<Tables>, rows: readonly KnownRegion[]) {
  return db
    .insertInto('known_region')
    .values(
      rows.map(({ patient, region, how, from, firstTold, lastTold }) => ({
        ...{ patient, region, how, told_by: from },
        ...{ first_told: Math.floor(firstTold), last_told: Math.ceil(lastTold) },
      })),
    )
    .onConflict((conflict) =>
      conflict.columns(['patient', 'region', 'how', 'told_by']).doUpdateSet({
        first_told: smaller('known_region', 'first_told'),
        last_told: larger('known_region', 'last_told'),
      }),
    );
}

/** One row for each key: one statement may not meet a row twice. */
function widened(known: readonly KnownRegion[]): KnownRegion[] {
  const rows = new Map<string, KnownRegion>();
  for (const one of known) {
    const key = [one.patient, one.region, one.how, one.from].join(' ');
    const held = rows.get(key) ?? one;
    rows.set(key, {
      ...one,
      firstTold: Math.min(one.firstTold, held.firstTold),
      lastTold: Math.max(one.lastTold, held.lastTold),
    });
  }
  // In one order, so that two calls at once wait for each other and never both.
  return [...rows].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, row]) => row);
}
