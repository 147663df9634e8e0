import { sql, type Kysely } from 'kysely';

import type { NoticeKey, NoticeKind, NoticeQueueStore, NoticeState, QueuedNotice } from './contracts.ts';
import type { Dialect } from './dialect.ts';
import { orHouseError } from './failures.ts';
import { within } from './log-reads.ts';
import type { Tables } from './schema.ts';
import type { StatementLane } from './statement-lane.ts';

const MOST_AT_ONCE = 1_000;

export type NewNotice = NoticeKey & { readonly sealedNumber: Uint8Array };
/** @param rows in the order of their keys @param dueBy what was told or settled is put in anew that is due by then */
type PutIn = (rows: readonly NewNotice[], at: number, dueBy: number) => Promise<void>;

/** Whose home regions are to be told, the same in every store but for the putting in of many. */
export function noticeQueueStore(
  db: Kysely<Tables>,
  lane: StatementLane,
  dialect: Dialect,
  putIn: PutIn,
): NoticeQueueStore {
  const orUnavailable = <Result>(action: () => Promise<Result>): Promise<Result> =>
    orHouseError('store-unavailable', action);
  const write = async (statements: readonly ReturnType<typeof sql>[]): Promise<object[][]> =>
    lane.write(statements.map((one) => one.compile(db)));
  return {
    ...leaverCursors(db, lane),
    enqueue: (rows, at, again = 'when-due') =>
      orUnavailable(async () => {
        const dueBy = again === 'at-once' ? Number.MAX_SAFE_INTEGER : Math.floor(at);
        await putIn(sorted(rows), Math.floor(at), dueBy);
      }),
    stays: (patients, kind, at) =>
      orUnavailable(async () => {
        const rows = await db
          .selectFrom('notice_queue')
          .select('patient')
          .where('patient', 'in', [...patients])
          .where('kind', '=', kind)
          .where((eb) => eb.or([eb('state', 'in', ['seen', 'ready']), eb('next', '>', Math.floor(at))]))
          .execute();
        return rows.map(({ patient }) => patient);
      }),
    toldTo: ({ patient, kind }) =>
      orUnavailable(async () => {
        const row = await db
          .selectFrom('notice_queue')
          .select('home')
          .where('patient', '=', patient)
          .where('kind', '=', kind)
          .where('state', '=', 'told')
          .executeTakeFirst();
        return row?.home;
      }),
    homeChanged: ({ patient, kind }, home, sealedNumber, at) =>
      orUnavailable(async () => {
        const time = Math.floor(at);
        const [changed = []] = await write([
          sql`update notice_queue set state = 'seen', home = '', sealed_number = ${sealedNumber}, tries = 0,
            queued = ${time}, since = ${time}, next = ${time}
            where patient = ${patient} and kind = ${kind} and state = 'told' and home <> ${home} returning patient`,
        ]);
        return changed.length > 0;
      }),
    firstDue: (state, home) =>
      orUnavailable(async () => {
        const row = await db
          .selectFrom('notice_queue')
          .select('next')
          .where('state', '=', state)
          .where('home', '=', home)
          .orderBy('next')
          .limit(1)
          .executeTakeFirst();
        return row?.next;
      }),
    take: (state, home, due, leaseUntil, limit) =>
      orUnavailable(async () => {
        const lock = dialect.locksRows ? sql`for update skip locked` : sql``;
        const [rows = []] = await write([
          sql`update notice_queue set next = ${Math.ceil(leaseUntil)}
            where (patient, kind) in (select patient, kind from notice_queue
              where state = ${state} and home = ${home} and next <= ${Math.floor(due)}
              order by next limit ${within(limit, MOST_AT_ONCE)} ${lock})
            returning *`,
        ]);
        return rows.map((row) => toQueued(row as Tables['notice_queue']));
      }),
    move: (rows, to, at, next) =>
      orUnavailable(async () => {
        const keepsNumber = to.state === 'seen' || to.state === 'ready';
        // Where it was told stays known.
        const home = to.state === 'told' ? sql.ref('home') : sql`${'home' in to ? to.home : ''}`;
        const number = keepsNumber ? sql.ref('sealed_number') : sql`null`;
        await write(
          rows.map(
            ({ patient, kind }) => sql`update notice_queue set state = ${to.state}, home = ${home},
              sealed_number = ${number}, since = ${Math.floor(at)}, next = ${Math.ceil(next)}, tries = 0
              where patient = ${patient} and kind = ${kind} and state in ('seen', 'ready')`,
          ),
        );
      }),
    later: (rows, next) =>
      orUnavailable(async () => {
        await write(
          rows.map(
            ({ patient, kind }) => sql`update notice_queue set next = ${Math.ceil(next)}, tries = tries + 1
              where patient = ${patient} and kind = ${kind} and state in ('seen', 'ready')`,
          ),
        );
      }),
    forget: (home, now, limit) =>
      orUnavailable(async () => {
        const state = home === '' ? 'settled' : 'told';
        const [gone = []] = await write([
          sql`delete from notice_queue where (patient, kind) in (select patient, kind from notice_queue
            where state = ${state} and home = ${home} and next <= ${Math.floor(now)}
            order by next limit ${within(limit, MOST_AT_ONCE)}) returning patient`,
        ]);
        return gone.length;
      }),
    homes: (state) =>
      orUnavailable(async () => {
        const homes: string[] = [];
        // From one to the next by the index: of millions of rows few regions are told.
        for (let home = await nextHome(db, state, ''); home !== undefined;) {
          homes.push(home);
          home = await nextHome(db, state, home);
        }
        return homes;
      }),
    counts: () =>
      orUnavailable(async () => {
        const rows = await db
          .selectFrom('notice_queue')
          .select((eb) => ['state', 'home', eb.fn.countAll<number>().as('count')])
          .where('state', 'in', ['ready', 'seen'])
          .groupBy(['state', 'home'])
          .orderBy('state')
          .orderBy('home')
          .execute();
        return rows.map(({ state, ...row }) => ({ ...row, state: state as NoticeState }));
      }),
  };
}

async function nextHome(db: Kysely<Tables>, state: NoticeState, after: string): Promise<string | undefined> {
  const row = await db
    .selectFrom('notice_queue')
    .select('home')
    .where('state', '=', state)
    .where('home', '>', after)
    .orderBy('home')
    .limit(1)
    .executeTakeFirst();
  return row?.home;
}

function leaverCursors(
  db: Kysely<Tables>,
  lane: StatementLane,
): Pick<NoticeQueueStore, 'leaverCursor' | 'keepLeaverCursor'> {
  return {
    leaverCursor: () =>
      orHouseError('store-unavailable', async () => {
        const row = await db.selectFrom('leaver_cursor').selectAll().executeTakeFirst();
        return row && { until: row.until_time, patient: row.patient };
      }),
    keepLeaverCursor: ({ until, patient }) =>
      orHouseError('store-unavailable', async () => {
        const row = { only: 1, until_time: until, patient };
        const insert = db
          .insertInto('leaver_cursor')
          .values(row)
          .onConflict((conflict) => conflict.column('only').doUpdateSet({ until_time: until, patient }));
        await lane.write([insert.compile()]);
      }),
  };
}

/** One row for each key, in one order: two calls at once wait for each other and never both. */
function sorted<Row extends NoticeKey>(rows: readonly Row[]): Row[] {
  const byKey = new Map(rows.map((one) => [`${one.patient} ${one.kind}`, one] as const));
  return [...byKey].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, row]) => row);
}

function toQueued(row: Tables['notice_queue']): QueuedNotice {
  const { patient, kind, home, queued, since, tries, sealed_number: sealedNumber } = row;
  return {
    patient,
    kind: kind as NoticeKind,
    home,
    queued,
    since,
    tries,
    sealedNumber: sealedNumber ?? undefined,
  };
}
