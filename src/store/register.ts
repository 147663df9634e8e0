import type { Kysely } from 'kysely';

import type { RegisterEntry, RegisterReading, RegisterStore } from './contracts.ts';
import { orHouseError } from './failures.ts';
import type { Tables } from './schema.ts';
import { larger } from './upserts.ts';

type Write = (entries: readonly RegisterEntry[], reading: RegisterReading) => Promise<void>;

/** The local register, the same in every store but for the writing of many entries. */
export function registerStore(db: Kysely<Tables>, write: Write): RegisterStore {
  const stored = <Result>(action: () => Promise<Result>): Promise<Result> =>
    orHouseError('store-unavailable', action);
  const present = () => db.selectFrom('register').where('until_time', 'is', null);
  const counted = async (query: ReturnType<typeof present>): Promise<number> => {
    const { rows } = await query
      .select((eb) => eb.fn.countAll<number>().as('rows'))
      .executeTakeFirstOrThrow();
    return Number(rows);
  };
  return {
    record: (entries, reading) => stored(() => write(oncePerPatient(entries), reading)),
    of: (patients) =>
      stored(async () => {
        if (patients.length === 0) return [];
        const rows = await db
          .selectFrom('register')
          .selectAll()
          .where('patient', 'in', [...patients])
          .execute();
        return rows.map(toEntry);
      }),
    leavers: (after, limit) =>
      stored(async () => {
        const left = db.selectFrom('register').selectAll().where('until_time', 'is not', null);
        const { until, patient } = after ?? { until: -Infinity, patient: '' };
        const rows = await (
          after === undefined
            ? left
            : left
                .where('until_time', '>=', until)
                .where((eb) => eb.or([eb('until_time', '>', until), eb('patient', '>', patient)]))
        )
          .orderBy('until_time')
          .orderBy('patient')
          .limit(limit)
          .execute();
        return rows.map(toEntry);
      }),
    unread: (before) => stored(() => counted(present().where('read_at', '<', before))),
    markLeft: ({ before, until, after }, limit) =>
      stored(async () => {
        const page = db.selectFrom('register').select('patient').where('patient', '>', after);
        const looked = await page.orderBy('patient').limit(limit).execute();
        const last = looked.at(-1)?.patient;
        if (last === undefined) return { marked: 0, last };
        const { numUpdatedRows } = await db
          .updateTable('register')
          .set({ until_time: until })
          .where('patient', '>', after)
          .where('patient', '<=', last)
          .where('until_time', 'is', null)
          .where('read_at', '<', before)
          .executeTakeFirst();
        return { marked: Number(numUpdatedRows), last };
      }),
    ended: ({ at, isWhole }) =>
      stored(async () => {
        await db
          .insertInto('register_state')
          .values({ only: 1, read_at: at, whole_at: isWhole ? at : null })
          .onConflict((conflict) =>
            conflict.column('only').doUpdateSet((eb) => ({
              read_at: larger('register_state', 'read_at'),
              whole_at: eb.fn.coalesce('excluded.whole_at', 'register_state.whole_at'),
            })),
          )
          .execute();
      }),
    counts: () =>
      stored(async () => {
        const state = await db.selectFrom('register_state').selectAll().executeTakeFirst();
        const left = db.selectFrom('register').where('until_time', 'is not', null);
        return {
          ...{ present: await counted(present()), left: await counted(left) },
          ...{ readAt: state?.read_at, wholeAt: state?.whole_at ?? undefined },
        };
      }),
  };
}

/** Of two for one patient the later counts, but who is here is not gone by the same call. */
function oncePerPatient(entries: readonly RegisterEntry[]): RegisterEntry[] {
  const once = new Map<string, RegisterEntry>();
  for (const entry of entries) {
    const before = once.get(entry.patient);
    if (before !== undefined && before.until === undefined && entry.until !== undefined) continue;
    once.set(entry.patient, entry);
  }
  return [...once.values()];
}

function toEntry(row: {
  readonly patient: string;
  readonly sealed_number: Uint8Array;
  readonly practice: string;
  readonly from_time: number | null;
  readonly until_time: number | null;
}): RegisterEntry {
  return {
    ...{ patient: row.patient, sealedNumber: row.sealed_number, practice: row.practice },
    ...(row.from_time === null ? {} : { from: row.from_time }),
    ...(row.until_time === null ? {} : { until: row.until_time }),
  };
}
