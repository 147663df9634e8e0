import type { Kysely, Transaction } from 'kysely';

import type { EntryKey, KeyChange, KeyStore } from './contracts.ts';
import type { Dialect } from './dialect.ts';
import { orHouseError } from './failures.ts';
import { inOrder, within } from './log-reads.ts';
import type { Tables } from './schema.ts';

/** Where wrapped keys are, in the order in which pruning moves them: whoever looks in turn misses none. */
const TABLES = ['log_sealed', 'log_key'] as const;
type KeyTable = (typeof TABLES)[number];

const MOST_KEYS = 500;

/** The wrapped keys of entries, the same in every store. */
export function entryKeys(db: Kysely<Tables>, dialect: Dialect): KeyStore {
  return {
    page: (log, from, limit) =>
      orHouseError('store-unavailable', () => pageOf(db, log, from, within(limit, MOST_KEYS))),
    rewrap: (log, changes) =>
      orHouseError('audit-unavailable', async () => {
        if (changes.length === 0) return [];
        return db.transaction().execute((step) => rewrapIn(step, dialect, log, changes.slice(0, MOST_KEYS)));
      }),
  };
}

async function pageOf(db: Kysely<Tables>, log: string, from: number, most: number): Promise<EntryKey[]> {
  // A key that is moved between the two readings comes twice.
  const found = new Map<number, EntryKey>();
  for (const table of TABLES) {
    for (const key of await keysIn(db, table, log, from, most)) found.set(key.sequence, key);
  }
  return [...found.values()].toSorted((one, other) => one.sequence - other.sequence).slice(0, most);
}

async function keysIn(
  db: Kysely<Tables>,
  table: KeyTable,
  log: string,
  from: number,
  most: number,
): Promise<EntryKey[]> {
  const rows = await inOrder(from, most, (begin, below, count) =>
    db
      .selectFrom(table)
      .select(['sequence', 'wrapped_by', 'wrapped_key'])
      .where('log', '=', log)
      .where('sequence', '>=', begin)
      .where('sequence', '<', below)
      .orderBy('sequence')
      .limit(count)
      .execute(),
  );
  return rows.map(toEntryKey);
}

export function toEntryKey(row: Pick<Tables[KeyTable], 'sequence' | 'wrapped_by' | 'wrapped_key'>): EntryKey {
  return { sequence: row.sequence, wrappedBy: row.wrapped_by, wrappedKey: row.wrapped_key };
}

async function rewrapIn(
  step: Transaction<Tables>,
  dialect: Dialect,
  log: string,
  changes: readonly KeyChange[],
): Promise<number[]> {
  const changed = new Set<number>();
  for (const table of TABLES) {
    const left = changes.filter(({ sequence }) => !changed.has(sequence));
    const free = dialect.locksRows ? await lockFree(step, table, log, left) : left;
    for (const one of free) if (await changeOne(step, table, log, one)) changed.add(one.sequence);
  }
  return [...changed].toSorted((one, other) => one - other);
}

/** Those that nobody else holds: who waits for none while it holds many is never part of a deadlock. */
async function lockFree(
  step: Transaction<Tables>,
  table: KeyTable,
  log: string,
  changes: readonly KeyChange[],
): Promise<KeyChange[]> {
  if (changes.length === 0) return [];
  const sequences = changes.map(({ sequence }) => sequence);
  const rows = await step
    .selectFrom(table)
    .select('sequence')
    .where('log', '=', log)
    .where('sequence', 'in', sequences)
    .forUpdate()
    .skipLocked()
    .execute();
  const locked = new Set(rows.map(({ sequence }) => sequence));
  return changes.filter(({ sequence }) => locked.has(sequence));
}

async function changeOne(
  step: Transaction<Tables>,
  table: KeyTable,
  log: string,
  { sequence, former, wrappedBy, wrappedKey }: KeyChange,
): Promise<boolean> {
  const { numUpdatedRows } = await step
    .updateTable(table)
    .set({ wrapped_by: wrappedBy, wrapped_key: wrappedKey })
    .where('log', '=', log)
    .where('sequence', '=', sequence)
    .where('wrapped_by', '=', former)
    .executeTakeFirstOrThrow();
  return numUpdatedRows === 1n;
}
