import { sql, type Kysely } from 'kysely';

import type { NoticeInboxStore, ToldBy, ToldRegion, WaitingRegion } from './contracts.ts';
import type { Dialect } from './dialect.ts';
import { orHouseError } from './failures.ts';
import { MOST_REGIONS } from './known-regions.ts';
import { within } from './log-reads.ts';
import type { Tables } from './schema.ts';
import type { StatementLane } from './statement-lane.ts';
import { inStatements, larger, smaller } from './upserts.ts';

const MOST_TAKEN = 1_000;

/** What neighbours told and is not decided, the same in every store. */
export function noticeInboxStore(
  db: Kysely<Tables>,
  lane: StatementLane,
  dialect: Dialect,
): NoticeInboxStore {
  const orUnavailable = <Result>(action: () => Promise<Result>): Promise<Result> =>
    orHouseError('store-unavailable', action);
  return {
    keep: (told, most) =>
      orUnavailable(async () => {
        for (const sender of new Set(told.map((one) => one.sender))) {
          if (await isFull(db, sender, most)) return false;
        }
        const rows = sorted(told);
        await lane.write(inStatements(rows).map((part) => insert(db, part).compile()));
        return true;
      }),
    of: (patients) =>
      orUnavailable(async () => {
        if (patients.length === 0) return [];
        return (await toldOf(db, patients).execute()).map(({ how, first_told, last_told, ...row }) => ({
          ...{ ...row, how: how as ToldBy, firstTold: first_told, lastTold: last_told },
        }));
      }),
    firstDue: () =>
      orUnavailable(async () => {
        const rows = db.selectFrom('notice_inbox').select('next').orderBy('next').limit(1);
        return (await rows.executeTakeFirst())?.next;
      }),
    take: (now, leaseUntil, each) =>
      orUnavailable(async () => {
        const [due, lease, most] = [Math.floor(now), Math.ceil(leaseUntil), within(each, MOST_TAKEN)];
        const senders = await dueSenders(db, due);
        const rows = await lane.write(
          senders.map((sender) => taking(sender, due, lease, most, dialect).compile(db)),
        );
        return rows.flat().map((row) => toWaiting(row as unknown as Tables['notice_inbox']));
      }),
    decided: (rows) =>
      orUnavailable(async () => {
        const deleting = rows.map((row) => sql`delete from notice_inbox where ${isRow(row)}`);
        await lane.write(deleting.map((one) => one.compile(db)));
      }),
    later: (rows, next) =>
      orUnavailable(async () => {
        const due = Math.ceil(next);
        const updating = rows.map(
          (row) => sql`update notice_inbox set next = ${due}, tries = tries + 1 where ${isRow(row)}`,
        );
        await lane.write(updating.map((one) => one.compile(db)));
      }),
    counts: () =>
      orUnavailable(() =>
        db
          .selectFrom('notice_inbox')
          .select((eb) => ['sender', eb.fn.countAll<number>().as('waiting')])
          .groupBy('sender')
          .orderBy('sender')
          .execute(),
      ),
    forgetSender: (sender, limit) =>
      orUnavailable(async () => {
        const deleting = sql`delete from notice_inbox where (sender, patient, region, how) in
          (select sender, patient, region, how from notice_inbox where sender = ${sender}
            order by next limit ${within(limit, MOST_TAKEN)}) returning sender`;
        const [gone = []] = await lane.write([deleting.compile(db)]);
        return gone.length;
      }),
  };
}

/** What waits of a patient, last told first. */
export function toldOf(db: Kysely<Tables>, patients: readonly string[]) {
  return db
    .selectFrom('notice_inbox')
    .select(['sender', 'patient', 'region', 'how', 'first_told', 'last_told'])
    .where('patient', 'in', [...patients])
    .orderBy('last_told', 'desc')
    .limit(MOST_REGIONS);
}

/** From one to the next by the index: of many rows there are few senders. */
async function dueSenders(db: Kysely<Tables>, due: number): Promise<string[]> {
  const senders: string[] = [];
  for (let after: string | undefined = ''; after !== undefined;) {
    const first: { sender: string; next: number } | undefined = await firstOf(db, after).executeTakeFirst();
    if (first !== undefined && first.next <= due) senders.push(first.sender);
    after = first?.sender;
  }
  return senders;
}

/** What is due first of the next sender. */
export function firstOf(db: Kysely<Tables>, afterSender: string) {
  return db
    .selectFrom('notice_inbox')
    .select(['sender', 'next'])
    .where('sender', '>', afterSender)
    .orderBy('sender')
    .orderBy('next')
    .limit(1);
}

export function taking(sender: string, due: number, lease: number, each: number, { locksRows }: Dialect) {
  const lock = locksRows ? sql`for update skip locked` : sql``;
  return sql`update notice_inbox set next = ${lease}
    where (sender, patient, region, how) in (select sender, patient, region, how from notice_inbox
      where sender = ${sender} and next <= ${due} and patient in (select patient from notice_inbox
        where sender = ${sender} and next <= ${due} order by next limit ${each}) ${lock})
    returning *`;
}

function isRow({ sender, patient, region, how }: ToldRegion) {
  return sql`sender = ${sender} and patient = ${patient} and region = ${region} and how = ${how}`;
}

async function isFull(db: Kysely<Tables>, sender: string, most: number): Promise<boolean> {
  const row = await db
    .selectFrom('notice_inbox')
    .select('patient')
    .where('sender', '=', sender)
    .orderBy('patient')
    .offset(Math.max(0, most - 1))
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

function insert(db: Kysely<Tables>, rows: readonly ToldRegion[]) {
  return db
    .insertInto('notice_inbox')
    .values(
      rows.map(({ sealedNumber, firstTold, lastTold, ...row }) => ({
        ...row,
        sealed_number: sealedNumber,
        ...{ first_told: Math.floor(firstTold), last_told: Math.ceil(lastTold) },
        ...{ next: Math.floor(lastTold), tries: 0 },
      })),
    )
    .onConflict((conflict) =>
      conflict.columns(['sender', 'patient', 'region', 'how']).doUpdateSet({
        first_told: smaller('notice_inbox', 'first_told'),
        last_told: larger('notice_inbox', 'last_told'),
      }),
    );
}

/** One row for each key, in one order: two calls at once wait for each other and never both. */
function sorted(told: readonly ToldRegion[]): ToldRegion[] {
  const rows = new Map(
    told.map((one) => [[one.sender, one.patient, one.region, one.how].join(' '), one] as const),
  );
  return [...rows].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, row]) => row);
}

function toWaiting(row: Tables['notice_inbox']): WaitingRegion {
  const { sender, patient, region, how, sealed_number: sealedNumber, tries } = row;
  const told = { firstTold: row.first_told, lastTold: row.last_told };
  return { sender, patient, region, how: how as ToldBy, sealedNumber, ...told, tries };
}
