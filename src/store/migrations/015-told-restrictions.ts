import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

import type { Dialect } from '../dialect.ts';

/** Patients whom demographics told last as restricted. It is read by patient alone, which its key serves. */
export const toldRestrictions = ({ text, rowsInKey }: Dialect): Migration => ({
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable('told_restriction')
      .addColumn('patient', text, (column) => column.primaryKey().notNull())
      .addColumn('told', 'bigint', (column) => column.notNull())
      .modifyEnd(rowsInKey)
      .execute();
  },
});
