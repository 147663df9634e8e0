import type { Kysely } from 'kysely';

import type { StreamCursorStore } from './contracts.ts';
import type { Tables } from './schema.ts';

/** A cursor's read path, the same in every store. */
export function readCursor(db: Kysely<Tables>): StreamCursorStore['read'] {
  return async (stream, log) => {
    const row = await db
      .selectFrom('stream_cursor')
      .select('next')
      .where('stream', '=', stream)
      .where('log', '=', log)
      .executeTakeFirst();
    return row?.next ?? 0;
  };
}
