import { chmodSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { Kysely } from 'kysely';
import { Migrator } from 'kysely/migration';

import { HouseError, StartError, type HouseCode } from '../../errors.ts';
import type { Objection, Store } from '../contracts.ts';
import { first } from '../migrations/001-first.ts';
import type { Tables } from '../schema.ts';
import { CommitQueue } from './commit-queue.ts';
import { kyselyOver, openDatabase } from './connection.ts';
import { prepareWrites } from './writes.ts';

const MINUTE = 60_000;
const MOST_LOCATIONS = 200;
const MOST_ROWS = 1_000;

/**
 * Opens (and if it must, makes or migrates) the SQLite store of one broker.
 *
 * @param file absolute path; its directory is made, readable by this user alone
 * @throws StartError when the file cannot be opened or is not a store
 */
export async function openSqliteStore(file: string, now: () => number = Date.now): Promise<Store> {
  let database: DatabaseSync;
  let queries: Kysely<Tables>;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    queries = kyselyOver(openDatabase(file));
    const { error } = await new Migrator({
      db: queries,
      provider: { getMigrations: () => Promise.resolve({ '001-first': first }) },
    }).migrateToLatest();
    if (error !== undefined) throw error as Error;
    chmodSync(file, 0o600);
    // A connection of its own for writes: a group commit must never meet a transaction of kysely's.
    database = openDatabase(file);
    database.exec('PRAGMA busy_timeout = 0');
  } catch (error) {
    throw new StartError(
      `store: ${file} cannot be opened as a SQLite store: name a file in a directory that this user can write.`,
      { cause: error },
    );
  }
  const queue = new CommitQueue(database);
  const write = prepareWrites(database);
  const durable = <Result>(code: HouseCode, action: () => Result): Promise<Result> =>
    queue.commit(action).catch((error: unknown) => {
      throw new HouseError(code, undefined, { cause: error });
    });
  const read = async <Result>(query: Promise<Result>): Promise<Result> => {
    try {
      return await query;
    } catch (error) {
      throw new HouseError('store-unavailable', undefined, { cause: error });
    }
  };

  return {
    replay: {
      spend: (issuer, jti, keepUntil) =>
        durable('store-unavailable', () => {
          write.forgetSpent(now());
          return write.spend(issuer, jti, keepUntil);
        }),
    },
    audit: {
      append: (rows) => durable('audit-unavailable', () => rows.forEach((row) => write.append(row))),
      count: (code, at) =>
        durable('audit-unavailable', () => write.countRefusal(code, Math.floor(at / MINUTE) * MINUTE)),
      page: async (after, limit) => {
        const rows = await read(
          queries
            .selectFrom('audit')
            .selectAll()
            .where('sequence', '>', after)
            .orderBy('sequence')
            .limit(Math.min(Math.max(limit, 1), MOST_ROWS))
            .execute(),
        );
        return rows.map(fromRow);
      },
      counts: (from, to) =>
        read(
          queries
            .selectFrom('refusal_count')
            .selectAll()
            .where('minute', '>=', from)
            .where('minute', '<', to)
            .orderBy('minute', 'desc')
            .limit(MOST_ROWS)
            .execute(),
        ),
    },
    careLocations: {
      record: (locations) =>
        durable('store-unavailable', () =>
          locations.forEach((location) => write.recordCareLocation(location)),
        ),
      of: async (patients) => {
        const rows = await read(
          queries
            .selectFrom('care_location')
            .selectAll()
            .where('patient', 'in', [...patients])
            .orderBy('last_seen', 'desc')
            .limit(MOST_LOCATIONS)
            .execute(),
        );
        return rows.map(({ first_seen, last_seen, ...row }) => ({
          ...row,
          firstSeen: first_seen,
          lastSeen: last_seen,
        }));
      },
    },
    objections: {
      record: (objections) =>
        durable('store-unavailable', () =>
          objections.forEach((objection) => write.recordObjection(objection)),
        ),
      inForce: async (patients, at) => {
        const rows = await read(
          queries
            .selectFrom('objection')
            .selectAll()
            .where('patient', 'in', [...patients])
            .where('from_time', '<=', at)
            .where((where) => where.or([where('until_time', 'is', null), where('until_time', '>', at)]))
            .execute(),
        );
        return rows.map((row) => ({
          patient: row.patient,
          kind: row.kind as Objection['kind'],
          from: row.from_time,
          until: row.until_time ?? undefined,
        }));
      },
    },
    healthy: () =>
      durable('store-unavailable', () => write.countRefusal('health-write', 0)).then(
        () => true,
        () => false,
      ),
    close: async () => {
      database.close();
      await queries.destroy();
    },
  };
}

function fromRow(row: Record<string, unknown> & { sequence: number }) {
  const present = Object.entries(row).filter(([, value]) => value !== null);
  return Object.fromEntries(present) as unknown as Awaited<ReturnType<Store['audit']['page']>>[number];
}
