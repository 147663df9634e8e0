import type { Kysely } from 'kysely';

import type { WholeFileStore } from './contracts.ts';
import { orHouseError } from './failures.ts';
import type { Tables } from './schema.ts';

const MOST = 2_000;

/** Files that trust rests on, as they were when they were whole last, the same in every store. */
export function wholeFileStore(db: Kysely<Tables>): WholeFileStore {
  return {
    keep: (files) =>
      orHouseError('store-unavailable', async () => {
        if (files.length === 0) return;
        await db
          .insertInto('whole_file')
          .values([...files])
          .onConflict((conflict) =>
            conflict.columns(['replica', 'file']).doUpdateSet((eb) => ({
              text: eb.ref('excluded.text'),
              seal: eb.ref('excluded.seal'),
              at: eb.ref('excluded.at'),
            })),
          )
          .execute();
      }),
    of: (replica) =>
      orHouseError('store-unavailable', () =>
        db
          .selectFrom('whole_file')
          .selectAll()
          .where('replica', '=', replica)
          .orderBy('at', 'desc')
          .limit(MOST)
          .execute(),
      ),
  };
}
