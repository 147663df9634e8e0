import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** What neighbours told, neighbour by neighbour. */
export const tellers = (): Migration => ({
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createIndex('notice_inbox_by_sender')
      .on('notice_inbox')
      .columns(['sender', 'next'])
      .execute();
  },
});
