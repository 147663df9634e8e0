import type { QueryConfig } from 'pg';

import { StartError, type HouseCode } from '../../errors.ts';
import type { Store } from '../contracts.ts';
import { POSTGRES } from '../dialect.ts';
import { orHouseError } from '../failures.ts';
import { archiveStore, logBounds } from '../archive.ts';
import { checkpointStore } from '../checkpoints.ts';
import { entryKeys } from '../entry-keys.ts';
import { logReads } from '../log-reads.ts';
import { migrate } from '../migrations/migrate.ts';
import { decisionStore } from '../decisions.ts';
import { knownRegionStore } from '../known-regions.ts';
import { noticeInboxStore } from '../notice-inbox.ts';
import { noticeQueueStore } from '../notice-queue.ts';
import { tellerStore } from '../tellers.ts';
import { directoryStore } from '../directory.ts';
import { statementStore } from '../statements.ts';
import { toldRestrictionStore } from '../told-restrictions.ts';
import { wholeFileStore } from '../whole-files.ts';
import { patientReads } from '../patient-reads.ts';
import { registerStore } from '../register.ts';
import { readState } from '../state-reads.ts';
import { readCursor } from '../stream-cursors.ts';
import { headOf, newLog, type LogRow } from '../tree.ts';
import { postgresCareLocations } from './care-locations.ts';
import { readLeaves } from './log-leaves.ts';
import { readTiles } from './log-tiles.ts';
import { LogWrites } from './log-writes.ts';
import { Spending } from './spending.ts';
import { statementLane } from './statement-lane.ts';
import {
  advanceCursor,
  countRefusal,
  eraseEntries,
  eraseKeys,
  putInQueue,
  recordObjections,
  recordRegistered,
} from './writes.ts';
import { kyselyOver, openPool, withClient } from './connection.ts';

const MINUTE = 60_000;

/**
 * Opens the PostgreSQL store that the replicas of a region share, and makes or migrates its tables if it must;
 * one replica does, where several start at once. Commits are as durable as the server makes them: one that does
 * not flush is refused.
 *
 * @param url `postgres://user@host/database` and libpq's parameters
 * @throws StartError when the database cannot be reached or used
 */
export async function openPostgresStore(url: string, now: () => number = Date.now): Promise<Store> {
  assertVerifies(url);
  await migrateOnce(url);
  const pool = openPool(url);
  const queries = kyselyOver(pool);
  const spending = new Spending(now);
  const logWrites = new LogWrites(pool, spending);
  const reads = logReads(queries, POSTGRES);
  const bounds = logBounds(queries);
  const patients = patientReads(queries);
  const cursorOf = readCursor(queries);
  const lane = statementLane(pool);
  const write = (code: HouseCode, statement: QueryConfig<unknown[]>): Promise<void> =>
    orHouseError(code, async () => void (await pool.query(statement)));
  const read = <Result>(action: () => Promise<Result>): Promise<Result> =>
    orHouseError('store-unavailable', action);
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await logWrites.close();
    await pool.end();
  };

  return {
    replay: {
      spend: (issuer, jti, keepUntil) =>
        orHouseError('store-unavailable', async () => {
          const [fresh] = await spending.spend(pool, [{ issuer, jti, keepUntil }]);
          await spending.forget(pool);
          return fresh === true;
        }),
    },
    log: {
      append: (log, items) => orHouseError('audit-unavailable', () => logWrites.append(log, items)),
      logs: () => read(() => reads.logs()),
      succeed: (succession) => orHouseError('audit-unavailable', () => logWrites.succeed(succession)),
      erase: (log, sequences) =>
        orHouseError('audit-unavailable', () =>
          withClient(pool, async (client) => {
            await client.query('BEGIN ISOLATION LEVEL READ COMMITTED');
            await client.query(eraseEntries(log, sequences));
            await client.query(eraseKeys(log, sequences));
            await client.query('COMMIT');
          }),
        ),
      count: (code, at, times) =>
        write('audit-unavailable', countRefusal(code, Math.floor(at / MINUTE) * MINUTE, times)),
      head: (log) =>
        read(async () => {
          const { rows } = await pool.query<LogRow>('SELECT size, frontier FROM log WHERE log = $1', [log]);
          return headOf(rows[0] ?? newLog());
        }),
      tiles: (log, wanted) => read(() => readTiles(pool, log, wanted)),
      entries: (log, sequence, limit) => read(() => reads.entries(log, sequence, limit)),
      leaves: (log, sequence, limit) => read(() => readLeaves(pool, log, sequence, limit)),
      search: (search) => read(() => reads.search(search)),
      openWork: (log, limit) => read(() => reads.openWork(log, limit)),
      counts: (from, to) => read(() => reads.counts(from, to)),
      forgetCounts: (before) => read(() => bounds.forgetCounts(before)),
      pruned: (log) => read(() => bounds.pruned(log)),
    },
    checkpoints: checkpointStore(queries),
    decisions: decisionStore(queries),
    wholeFiles: wholeFileStore(queries),
    directory: directoryStore(queries),
    statements: statementStore(queries),
    state: {
      read: () => read(() => readState(queries)),
      close: (closed) => orHouseError('store-unavailable', () => logWrites.closeStore(closed)),
      open: (at, successions) => orHouseError('store-unavailable', () => logWrites.open(at, successions)),
    },
    streams: {
      read: (stream, log) => read(() => cursorOf(stream, log)),
      advance: (stream, log, next) => write('store-unavailable', advanceCursor(stream, log, next)),
    },
    archive: archiveStore(queries),
    keys: entryKeys(queries, POSTGRES),
    careLocations: postgresCareLocations(pool, read),
    objections: {
      record: (objections) => write('store-unavailable', recordObjections(objections)),
      inForce: (digests, at) => read(() => patients.inForce(digests, at)),
    },
    register: registerStore(queries, async (entries, reading) => {
      await pool.query(recordRegistered(entries, reading));
    }),
    knownRegions: knownRegionStore(queries, lane),
    toldRestrictions: toldRestrictionStore(queries, lane),
    noticeInbox: noticeInboxStore(queries, lane, POSTGRES),
    noticeQueue: noticeQueueStore(queries, lane, POSTGRES, async (rows, at, dueBy) => {
      if (rows.length > 0) await pool.query(putInQueue(rows, at, dueBy));
    }),
    tellers: tellerStore(queries, lane),
    hasRoom: () => true,
    healthy: () =>
      write('store-unavailable', countRefusal('health-write', 0)).then(
        () => true,
        () => false,
      ),
    close: () => (closing ??= close()),
  };
}

/** Encryption without verification of the server is none against who stands between: it is all or nothing. */
function assertVerifies(url: string): void {
  const modes = [...url.matchAll(/[?&]ssl(?:mode)?=([^&]*)/g)].map(([, mode]) => mode ?? '');
  if (modes.some((mode) => !['verify-full', 'disable'].includes(mode))) {
    throw new StartError(
      'store: the address of PostgreSQL asks for encryption without verification: write sslmode=verify-full, ' +
        'and sslrootcert= with the file of its authority.',
    );
  }
}

/** On a connection of its own: a migration takes as long as it takes. */
async function migrateOnce(url: string): Promise<void> {
  const pool = openPool(url, 'none');
  try {
    await migrate(kyselyOver(pool), POSTGRES);
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError(
      'store: the PostgreSQL database cannot be opened as a store: check that the server runs, that host, port, ' +
        'database, user and password are right, and that this user may create tables in it.',
      { cause: withoutSecrets(error) },
    );
  } finally {
    await pool.end();
  }
}

/** What went wrong and its code. The error itself may hold the client that it came from, and so the password. */
function withoutSecrets(error: unknown): Error {
  if (!(error instanceof Error)) return new Error('unknown');
  const code = (error as { code?: unknown }).code;
  return new Error(typeof code === 'string' ? `${code}: ${error.message}` : error.message);
}
