import { hash } from 'node:crypto';
import type { Kysely } from 'kysely';

import type { StatementStore } from './contracts.ts';
import { orHouseError } from './failures.ts';
import type { Tables } from './schema.ts';

const MOST = 200;

/** Entity statements, the same in every store. */
export function statementStore(db: Kysely<Tables>): StatementStore {
  return {
    keep: ({ entity, sequence, at, token }) =>
      orHouseError('store-unavailable', async () => {
        const digest = hash('sha256', token, 'base64url');
        await db
          .insertInto('statement')
          .values({ entity, sequence, digest, at, token })
          .onConflict((conflict) => conflict.doNothing())
          .execute();
      }),
    of: (entity) =>
      orHouseError('store-unavailable', () =>
        db
          .selectFrom('statement')
          .select(['entity', 'sequence', 'at', 'token'])
          .where('entity', '=', entity)
          .orderBy('sequence', 'desc')
          .orderBy('at', 'desc')
          .limit(MOST)
          .execute(),
      ),
  };
}
