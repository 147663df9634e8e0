import { hash } from 'node:crypto';
import { sql, type Kysely } from 'kysely';

import type { CheckpointStore } from './contracts.ts';
import { orHouseError } from './failures.ts';
import type { Tables } from './schema.ts';

const MOST = 1_000;

/** Its methods as properties: none of them needs `this`. */
type Properties<Type> = { [Name in keyof Type]: Type[Name] };

/** Checkpoints, the same in every store: few enough to go the plain way. Each write is a transaction of its own. */
export function checkpointStore(db: Kysely<Tables>): CheckpointStore {
  const store = statementsOn(db);
  const told = <Args extends unknown[], Result>(method: (...args: Args) => Promise<Result>) => {
    return (...args: Args): Promise<Result> => orHouseError('store-unavailable', () => method(...args));
  };
  return {
    save: told(store.save),
    latest: told(store.latest),
    covering: told(store.covering),
    allWitnessed: told(store.allWitnessed),
    page: told(store.page),
    remove: told(store.remove),
    witnessed: told(store.witnessed),
    witness: told(store.witness),
    keepFork: told(store.keepFork),
    forks: told(store.forks),
  };
}

function statementsOn(db: Kysely<Tables>): Properties<CheckpointStore> {
  const ofLog = (log: string) =>
    db.selectFrom('checkpoint').select(['size', 'at', 'note']).where('log', '=', log);
  return {
    save: async (log, { size, at, note }) => {
      await db
        .insertInto('checkpoint')
        .values({ log, size, at, note })
        .onConflict((conflict) =>
          conflict
            .columns(['log', 'size'])
            .doUpdateSet({ note })
            .where(sql<boolean>`length(excluded.note) > length(checkpoint.note)`),
        )
        .execute();
    },
    latest: (log, upTo = Number.MAX_SAFE_INTEGER) =>
      ofLog(log).where('size', '<=', upTo).orderBy('size', 'desc').limit(1).executeTakeFirst(),
    page: (log, size, limit) =>
      ofLog(log)
        .where('size', '>=', size)
        .orderBy('size')
        .limit(Math.min(Math.max(limit, 1), MOST))
        .execute(),
    remove: async (log, sizes) => {
      if (sizes.length === 0) return;
      await db
        .deleteFrom('checkpoint')
        .where('log', '=', log)
        .where('size', 'in', sizes.slice(0, MOST))
        .where('size', '<', (where) =>
          where
            .selectFrom('checkpoint as other')
            .where('other.log', '=', log)
            .select(({ fn }) => fn.max('other.size').as('largest')),
        )
        .execute();
    },
    covering: (log, size) => ofLog(log).where('size', '>=', size).orderBy('size').limit(1).executeTakeFirst(),
    allWitnessed: () =>
      db
        .selectFrom('witnessed')
        .select(['origin', 'size', 'at', 'note'])
        .orderBy('origin')
        .limit(MOST)
        .execute(),
    witnessed: (origin) =>
      db
        .selectFrom('witnessed')
        .select(['size', 'at', 'note'])
        .where('origin', '=', origin)
        .executeTakeFirst(),
    witness: async (origin, oldSize, { size, at, note }) => {
      // A log that nothing was cosigned for has no row, and one cosigned at size 0 may have one.
      const inserted =
        oldSize > 0
          ? { numInsertedOrUpdatedRows: 0n }
          : await db
              .insertInto('witnessed')
              .values({ origin, size, at, note })
              .onConflict((conflict) => conflict.doNothing())
              .executeTakeFirst();
      if (inserted.numInsertedOrUpdatedRows === 1n) return true;
      const updated = await db
        .updateTable('witnessed')
        .set({ size, at, note })
        .where('origin', '=', origin)
        .where('size', '=', oldSize)
        .executeTakeFirst();
      return updated.numUpdatedRows === 1n;
    },
    keepFork: async (fork) => {
      const digest = hash('sha256', JSON.stringify([fork.held, fork.seen]), 'base64url');
      const inserted = await db
        .insertInto('fork')
        .values({ ...fork, digest })
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirst();
      return inserted.numInsertedOrUpdatedRows === 1n;
    },
    forks: (limit) =>
      db
        .selectFrom('fork')
        .select(['origin', 'at', 'held', 'seen'])
        .orderBy('at', 'desc')
        .limit(Math.min(Math.max(limit, 1), MOST))
        .execute(),
  };
}
