import { sql, type Kysely, type SqlBool } from 'kysely';

import type { EntrySearch, FoundEntry, LogStore, SealedValues } from './contracts.ts';
import type { Dialect } from './dialect.ts';
import type { Tables } from './schema.ts';

/** Entries or leaves of one page. */
export const MOST_ENTRIES = 10_000;
const MOST_FOUND = 1_000;

/** The log's read path, the same in every store. */
export function logReads(
  db: Kysely<Tables>,
  dialect: Dialect,
): Pick<LogStore, 'logs' | 'entries' | 'search' | 'openWork' | 'counts'> {
  return {
    logs: async () => {
      const columns = ['log', 'size', 'next', 'ended_at', 'why'] as const;
      const rows = await db.selectFrom('log').select(columns).orderBy('log').limit(MOST_FOUND).execute();
      return rows.map(({ log, size, next, ended_at: at, why }) => ({
        ...{ log, size },
        end: next === null ? undefined : { next, at: at ?? 0, why: why ?? '' },
      }));
    },
    entries: async (log, sequence, limit) => {
      const rows = await inOrder(sequence, within(limit, MOST_ENTRIES), (from, below, most) =>
        selectEntries(db)
          .where('log_entry.log', '=', log)
          .where('log_entry.sequence', '>=', from)
          .where('log_entry.sequence', '<', below)
          .orderBy('log_entry.sequence')
          .limit(most)
          .execute(),
      );
      return rows.map(toEntry);
    },
    search: async (search) => {
      if (search.patients?.length === 0) return [];
      const rows = await searchQuery(db, dialect, search).execute();
      return rows.map(toEntry);
    },
    openWork: (log, limit) =>
      db
        .selectFrom('open_work')
        .select(['exchange', 'sequence'])
        .where('log', '=', log)
        .orderBy('sequence')
        .limit(within(limit, MOST_FOUND))
        .execute(),
    counts: (from, to) =>
      db
        .selectFrom('refusal_count')
        .selectAll()
        .where('minute', '>=', from)
        .where('minute', '<', to)
        .orderBy('minute', 'desc')
        .limit(MOST_FOUND)
        .execute(),
  };
}

/**
 * Rows of a log from a sequence on. They have no gaps, so they are asked for between two sequences first: a planner
 * that knows nothing of the table yet would sort all that come after. Where fewer are there, the rest is sought.
 */
export async function inOrder<Row extends { readonly sequence: number }>(
  from: number,
  most: number,
  read: (from: number, below: number, most: number) => Promise<Row[]>,
): Promise<Row[]> {
  const near = await read(from, from + most, most);
  if (near.length === most) return near;
  const last = near.at(-1)?.sequence;
  const rest = await read(last === undefined ? from : last + 1, Number.MAX_SAFE_INTEGER, most - near.length);
  return [...near, ...rest];
}

function selectEntries(db: Kysely<Tables>) {
  return db
    .selectFrom('log_entry')
    .leftJoin('log_sealed', (join) =>
      join
        .onRef('log_sealed.log', '=', 'log_entry.log')
        .onRef('log_sealed.sequence', '=', 'log_entry.sequence'),
    )
    .select([
      'log_entry.log',
      'log_entry.sequence',
      'log_entry.at',
      'log_entry.region',
      'log_entry.jti',
      'log_entry.patient',
      'log_entry.user',
      'log_entry.organisation',
      'log_entry.outcome',
      'log_entry.break_glass',
      'log_entry.leaf',
      'log_sealed.wrapped_by',
      'log_sealed.wrapped_key',
      'log_sealed.ciphertext',
    ]);
}

/** From the most telling to the least: the first that a search gives is looked up, the others are compared. */
const BY_TELLING = [
  'jti',
  'exchange',
  'patient',
  'user',
  'organisation',
  'region',
  'outcome',
  'event',
] as const;

/** The query of a search, so that a store's plan for it can be held against the intended index. */
export function searchQuery(db: Kysely<Tables>, dialect: Dialect, search: EntrySearch) {
  const values = { ...search, patient: search.patients };
  const given = BY_TELLING.filter((column) => values[column] !== undefined);
  let query = selectEntries(db)
    .where('log_entry.at', '>=', search.from)
    .where('log_entry.at', '<', search.to);
  given.forEach((column, nth) => {
    const place =
      nth === 0 ? sql.ref<string>(`log_entry.${column}`) : dialect.filtered<string>(`log_entry.${column}`);
    query = query.where(place, 'in', [values[column] ?? []].flat());
  });
  if (search.breakGlass === true) {
    const name = 'log_entry.break_glass';
    query = query.where(given.length === 0 ? sql.ref<number>(name) : dialect.filtered<number>(name), '=', 1);
  }
  if (search.log !== undefined)
    query = query.where(dialect.filtered<string>('log_entry.log'), '=', search.log);
  if (search.before !== undefined) {
    const { at, log, sequence } = search.before;
    query = query
      .where('log_entry.at', '<=', at)
      .where(sql<SqlBool>`(log_entry.at, log_entry.log, log_entry.sequence) < (${at}, ${log}, ${sequence})`);
  }
  return query
    .orderBy('log_entry.at', 'desc')
    .orderBy('log_entry.log', 'desc')
    .orderBy('log_entry.sequence', 'desc')
    .limit(within(search.limit, MOST_FOUND));
}

type Row = Awaited<ReturnType<ReturnType<typeof selectEntries>['execute']>>[number];

function toEntry(row: Row): FoundEntry {
  const { log, at, sequence, leaf, break_glass: breakGlass, wrapped_by: wrappedBy } = row;
  const { wrapped_key: wrappedKey, ciphertext } = row;
  const sealed: SealedValues | undefined =
    wrappedBy === null || wrappedKey === null || ciphertext === null
      ? undefined
      : { wrappedBy, wrappedKey, ciphertext };
  const index = {
    region: row.region ?? undefined,
    jti: row.jti ?? undefined,
    patient: row.patient ?? undefined,
    user: row.user ?? undefined,
    organisation: row.organisation ?? undefined,
    outcome: row.outcome ?? undefined,
    breakGlass: breakGlass === 1,
  };
  return { log, at, sequence, leaf, index, sealed };
}

export function within(limit: number, most: number): number {
  return Math.min(Math.max(Math.trunc(limit), 1), most);
}
