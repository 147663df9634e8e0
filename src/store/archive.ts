import { sql, type Kysely } from 'kysely';

import { TILE_WIDTH } from '../tlog/tiles.ts';
import type { ArchiveStore, LogStore, Segment } from './contracts.ts';
import { toEntryKey } from './entry-keys.ts';
import { orHouseError } from './failures.ts';
import { within } from './log-reads.ts';
import type { Tables } from './schema.ts';

const MOST_SEGMENTS = 1_000;
const MOST_ENTRIES = 10_000;
/** Other writers wait while these are deleted. */
const MOST_COUNTS = 5_000;
/** A statement takes only so many values. */
const KEYS_AT_ONCE = 1_000;

/** Its methods as properties: none of them needs `this`. */
type Properties<Type> = { [Name in keyof Type]: Type[Name] };

/** The archive's register and pruning, the same in every store: rare, and so the plain way. */
export function archiveStore(db: Kysely<Tables>): ArchiveStore {
  const store = statementsOn(db);
  const told = <Args extends unknown[], Result>(method: (...args: Args) => Promise<Result>) => {
    return (...args: Args): Promise<Result> => orHouseError('audit-unavailable', () => method(...args));
  };
  return {
    register: told(store.register),
    segments: told(store.segments),
    last: told(store.last),
    beginPrune: told(store.beginPrune),
    prune: told(store.prune),
    prunedWithin: told(store.prunedWithin),
    named: told(store.named),
    keys: told(store.keys),
  };
}

/** The part of the log's contract that says where it begins, and forgets what is only counted. */
export function logBounds(db: Kysely<Tables>): Pick<LogStore, 'pruned' | 'forgetCounts'> {
  return {
    pruned: (log) => prunedTo(db, log),
    forgetCounts: async (before) => {
      // Minute 0 is no time: a write is tried on it.
      const old = db.selectFrom('refusal_count').select('minute').where('minute', '>', 0);
      const rest = await old
        .where('minute', '<', before)
        .orderBy('minute')
        .offset(MOST_COUNTS)
        .limit(1)
        .executeTakeFirst();
      const { numDeletedRows } = await db
        .deleteFrom('refusal_count')
        .where('minute', '>', 0)
        .where('minute', '<', Math.min(before, rest?.minute ?? before))
        .executeTakeFirstOrThrow();
      return Number(numDeletedRows);
    },
  };
}

function statementsOn(db: Kysely<Tables>): Properties<ArchiveStore> {
  const ofLog = (log: string) => db.selectFrom('log_segment').selectAll().where('log', '=', log);
  return {
    register: async ({ log, from, to, file, sha256, oldest, newest, archivedAt }) => {
      const end = await endOfLast(db, log);
      if (end !== from) return false;
      const { numInsertedOrUpdatedRows: inserted } = await db
        .insertInto('log_segment')
        .values({
          ...{ log, first: from, until: to, file, sha256, oldest, newest },
          ...{ archived_at: archivedAt, pruned_at: null },
        })
        // Another may have registered what begins here meanwhile; none begins elsewhere.
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirstOrThrow();
      return inserted === 1n;
    },
    segments: async (log, from, limit) => {
      const rows = await ofLog(log)
        .where('first', '>=', from)
        .orderBy('first')
        .limit(within(limit, MOST_SEGMENTS))
        .execute();
      return rows.map(toSegment);
    },
    last: async (log) => {
      const row = await ofLog(log).orderBy('first', 'desc').limit(1).executeTakeFirst();
      return row && toSegment(row);
    },
    beginPrune: async (log, from, at) => {
      if ((await prunedTo(db, log)) !== from) return false;
      const whole = await sizeInFullTiles(db, log);
      const { numUpdatedRows } = await db
        .updateTable('log_segment')
        .set({ pruned_at: at })
        .where('log', '=', log)
        .where('first', '=', from)
        .where('until', '<=', whole)
        .where('pruned_at', 'is', null)
        .executeTakeFirstOrThrow();
      return numUpdatedRows === 1n;
    },
    prune: async (log, limit) => {
      const begins = await prunedTo(db, log);
      const first = await db
        .selectFrom('log_entry')
        .select('sequence')
        .where('log', '=', log)
        .where('sequence', '<', begins)
        .orderBy('sequence')
        .limit(1)
        .executeTakeFirst();
      if (first === undefined) return 0;
      const { sequence } = first;
      const end = Math.min(sequence + within(limit, MOST_ENTRIES), begins);
      return db.transaction().execute(async (step) => {
        // The entries first, as erasing goes: two that meet wait for, and never on, each other.
        const { numDeletedRows } = await step
          .deleteFrom('log_entry')
          .where('log', '=', log)
          .where('sequence', '>=', sequence)
          .where('sequence', '<', end)
          .executeTakeFirstOrThrow();
        // A key that is being erased is not among those that come back.
        const keys = await step
          .deleteFrom('log_sealed')
          .where('log', '=', log)
          .where('sequence', '>=', sequence)
          .where('sequence', '<', end)
          .returning(['log', 'sequence', 'wrapped_by', 'wrapped_key'])
          .execute();
        for (let at = 0; at < keys.length; at += KEYS_AT_ONCE) {
          await step
            .insertInto('log_key')
            .values(keys.slice(at, at + KEYS_AT_ONCE))
            .execute();
        }
        return Number(numDeletedRows);
      });
    },
    prunedWithin: async (from, to, limit) => {
      const rows = await db
        .selectFrom('log_segment')
        .selectAll()
        .where('newest', '>=', from)
        .where('oldest', '<', to)
        .where('pruned_at', 'is not', null)
        .orderBy('newest', 'desc')
        .orderBy('log', 'desc')
        .orderBy('first', 'desc')
        .limit(within(limit, MOST_SEGMENTS))
        .execute();
      return rows.map(toSegment);
    },
    named: async (files) => {
      if (files.length === 0) return [];
      const rows = await db
        .selectFrom('log_segment')
        .selectAll()
        .where('file', 'in', files.slice(0, MOST_SEGMENTS))
        .execute();
      return rows.map(toSegment);
    },
    keys: async (log, from, to) => {
      const keysIn = (table: 'log_key' | 'log_sealed') =>
        db
          .selectFrom(table)
          .select(['sequence', 'wrapped_by', 'wrapped_key'])
          .where('log', '=', log)
          .where('sequence', '>=', from)
          .where('sequence', '<', Math.min(to, from + MOST_ENTRIES));
      const rows = await keysIn('log_key').unionAll(keysIn('log_sealed')).orderBy('sequence').execute();
      return rows.map(toEntryKey);
    },
  };
}

/** The pruned segments are the first ones, without a gap: `beginPrune` sees to that. */
async function prunedTo(db: Kysely<Tables>, log: string): Promise<number> {
  const row = await db
    .selectFrom('log_segment')
    .select('until')
    .where('log', '=', log)
    .where('pruned_at', 'is not', null)
    .orderBy('first', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row?.until ?? 0;
}

/** Until its tile is full, a leaf's hash is kept beside the leaf alone. */
async function sizeInFullTiles(db: Kysely<Tables>, log: string): Promise<number> {
  const row = await db.selectFrom('log').select('size').where('log', '=', log).executeTakeFirst();
  return Math.floor((row?.size ?? 0) / TILE_WIDTH) * TILE_WIDTH;
}

async function endOfLast(db: Kysely<Tables>, log: string): Promise<number> {
  const { end } = await db
    .selectFrom('log_segment')
    .select(sql<number>`coalesce(max(until), 0)`.as('end'))
    .where('log', '=', log)
    .executeTakeFirstOrThrow();
  return end;
}

function toSegment({
  first,
  until,
  archived_at: archivedAt,
  pruned_at: prunedAt,
  ...row
}: Tables['log_segment']): Segment {
  return { ...row, from: first, to: until, archivedAt, prunedAt: prunedAt ?? undefined };
}
