import type { Kysely } from 'kysely';

import type { DecisionStore } from './contracts.ts';
import { orHouseError } from './failures.ts';
import { within } from './log-reads.ts';
import type { Tables } from './schema.ts';

const MOST = 1_000;

/** Decisions as they are read, the same in every store; they are written with the log's entries. */
export function decisionStore(db: Kysely<Tables>): DecisionStore {
  return {
    from: (sequence, limit) =>
      orHouseError('store-unavailable', async () => {
        const rows = await db
          .selectFrom('decision')
          .selectAll()
          .where('sequence', '>=', sequence)
          .orderBy('sequence')
          .limit(within(limit, MOST))
          .execute();
        return rows.map(({ decided_by: by, ...row }) => ({ ...row, by }));
      }),
  };
}
