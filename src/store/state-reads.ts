import type { Kysely } from 'kysely';

import type { Closed, StoreState } from './contracts.ts';
import type { Tables } from './schema.ts';

/** Whether the store is closed, read the same in every store. */
export async function readState(db: Kysely<Tables>): Promise<StoreState> {
  const row = await db.selectFrom('store_state').selectAll().executeTakeFirst();
  const since = row?.closed_since ?? undefined;
  const why = (row?.closed_why ?? 'restoring') as Closed['why'];
  return {
    closed: since === undefined ? undefined : { since, why, detail: row?.closed_detail ?? '{}' },
    openedAt: row?.opened_at ?? undefined,
  };
}
