import { sql, type Kysely } from 'kysely';

import type { TellerStore, ToldBy, ToldOutcome } from './contracts.ts';
import { orHouseError } from './failures.ts';
import type { Tables } from './schema.ts';
import { dayOf } from './sightings.ts';
import type { StatementLane } from './statement-lane.ts';

/** How what neighbours told turns out, the same in every store. */
export function tellerStore(db: Kysely<Tables>, lane: StatementLane): TellerStore {
  return {
    add: (counts, at) =>
      orHouseError('store-unavailable', async () => {
        const day = dayOf(at);
        // One row at a time, in one order: no statement meets a row twice, and two calls at once never wait for each other.
        const rows = counts.toSorted((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1));
        await lane.write(
          rows.map((row) =>
            db
              .insertInto('told_count')
              .values({ day, ...row })
              .onConflict((conflict) =>
                conflict
                  .columns(['day', 'teller', 'how', 'what'])
                  .doUpdateSet({ count: sql<number>`told_count.count + excluded.count` }),
              )
              .compile(),
          ),
        );
      }),
    since: (at) =>
      orHouseError('store-unavailable', async () => {
        const rows = await db
          .selectFrom('told_count')
          .select(['teller', 'how', 'what', sql<number>`cast(sum(count) as bigint)`.as('count')])
          .where('day', '>=', dayOf(at))
          .groupBy(['teller', 'how', 'what'])
          .orderBy('teller')
          .orderBy('how')
          .orderBy('what')
          .execute();
        return rows.map((row) => ({ ...row, how: row.how as ToldBy, what: row.what as ToldOutcome }));
      }),
    forget: (before) =>
      orHouseError('store-unavailable', async () => {
        await lane.write([db.deleteFrom('told_count').where('day', '<', dayOf(before)).compile()]);
      }),
  };
}

const keyOf = ({ teller, how, what }: { teller: string; how: string; what: string }): string =>
  [teller, how, what].join(' ');
