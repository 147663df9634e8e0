import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { Kysely } from 'kysely';

import { StartError, type HouseCode } from '../../errors.ts';
import type { Store } from '../contracts.ts';
import { SQLITE } from '../dialect.ts';
import { orHouseError } from '../failures.ts';
import { archiveStore, logBounds } from '../archive.ts';
import { checkpointStore } from '../checkpoints.ts';
import { decisionStore } from '../decisions.ts';
import { directoryStore } from '../directory.ts';
import { entryKeys } from '../entry-keys.ts';
import { logReads } from '../log-reads.ts';
import { migrate } from '../migrations/migrate.ts';
import { knownRegionStore } from '../known-regions.ts';
import { noticeInboxStore } from '../notice-inbox.ts';
import { noticeQueueStore } from '../notice-queue.ts';
import { tellerStore } from '../tellers.ts';
import { statementStore } from '../statements.ts';
import { toldRestrictionStore } from '../told-restrictions.ts';
import { wholeFileStore } from '../whole-files.ts';
import { patientReads } from '../patient-reads.ts';
import { registerStore } from '../register.ts';
import { readState } from '../state-reads.ts';
import { readCursor } from '../stream-cursors.ts';
import type { Tables } from '../schema.ts';
import { sqliteCareLocations } from './care-locations.ts';
import { Checkpointer } from './checkpointer.ts';
import { CommitQueue } from './commit-queue.ts';
import { kyselyOver, openDatabase, openWriter } from './connection.ts';
import { FreeSpace } from './free-space.ts';
import { leafReader } from './log-leaves.ts';
import { LogWrites } from './log-writes.ts';
import { noticeWrites } from './notice-writes.ts';
import { openReader } from './snapshot.ts';
import { registerWrites } from './register-writes.ts';
import { statementLane } from './statement-lane.ts';
import { WalFlush } from './wal-flush.ts';
import { prepareWrites } from './writes.ts';

const MINUTE = 60_000;
const OWNER_ALONE = 0o600;

/**
 * Opens (and if it must, makes or migrates) the SQLite store of one broker.
 *
 * @param file absolute path; its directory is made, readable by this user alone
 * @param reserveBytes what its file system keeps free for the end of what is begun
 * @throws StartError when the file cannot be opened or is not a store
 */
export async function openSqliteStore(
  file: string,
  now: () => number = Date.now,
  reserveBytes = 0,
): Promise<Store> {
  let database: DatabaseSync;
  let reader: DatabaseSync;
  let queries: Kysely<Tables>;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    // Made before SQLite would make it: the files beside it get the mode that it has when they are made.
    closeSync(openSync(file, 'a', OWNER_ALONE));
    reader = openDatabase(file);
    queries = kyselyOver(reader);
    await migrate(queries, SQLITE);
    chmodSync(file, OWNER_ALONE);
    // A connection of its own for writes: a group commit must never meet a transaction of kysely's.
    database = openWriter(file);
  } catch (error) {
    throw new StartError(
      `store: ${file} cannot be opened as a SQLite store: name a file in a directory that this user can write.`,
      { cause: error },
    );
  }
  return storeOver(file, { database, reader, queries }, now, reserveBytes);
}

/** A store that is read and never written to, as a backup is. @throws StartError when the file is none */
export function openSqliteReading(file: string): Store {
  const reader = openReader(file);
  return storeOver(file, { database: openReader(file), reader, queries: kyselyOver(reader) }, Date.now, 0);
}

interface Connections {
  /** For the `CommitQueue` alone. */
  readonly database: DatabaseSync;
  readonly reader: DatabaseSync;
  /** Over the reader. */
  readonly queries: Kysely<Tables>;
}

function storeOver(
  file: string,
  { database, reader, queries }: Connections,
  now: () => number,
  reserveBytes: number,
): Store {
  const wal = new WalFlush(file);
  const space = new FreeSpace(file, reserveBytes);
  const checkpointer = new Checkpointer(file, database);
  const queue = new CommitQueue(
    database,
    () => wal.flush(),
    () => checkpointer.afterCommit(),
  );
  const write = prepareWrites(database);
  const writeRegister = registerWrites(database);
  const putIn = noticeWrites(database);
  const spend = (issuer: string, jti: string, keepUntil: number): boolean =>
    write.spend(issuer, jti, keepUntil, now());
  const logWrites = new LogWrites(database, spend);
  const reads = logReads(queries, SQLITE);
  const readLeaves = leafReader(reader);
  const bounds = logBounds(queries);
  const patients = patientReads(queries);
  const cursorOf = readCursor(queries);
  const lane = statementLane(database, queue);
  const durable = <Result>(code: HouseCode, action: () => Result): Promise<Result> =>
    orHouseError(code, () => queue.commit(action));
  const read = <Result>(action: () => Result | Promise<Result>): Promise<Result> =>
    orHouseError('store-unavailable', action);
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await queue.close();
    await checkpointer.close();
    wal.close();
    database.close();
    await queries.destroy();
  };

  return {
    replay: {
      spend: (issuer, jti, keepUntil) => durable('store-unavailable', () => spend(issuer, jti, keepUntil)),
    },
    log: {
      append: (log, items) => durable('audit-unavailable', () => logWrites.append(log, items)),
      logs: () => read(() => reads.logs()),
      succeed: (succession) => durable('audit-unavailable', () => logWrites.succeed(succession)),
      erase: (log, sequences) =>
        orHouseError('audit-unavailable', async () => {
          await queue.commit(() => logWrites.erase(log, sequences));
          // The write-ahead log still holds the pages as they were.
          await checkpointer.empty();
        }),
      count: (code, at, times) =>
        durable('audit-unavailable', () => write.countRefusal(code, Math.floor(at / MINUTE) * MINUTE, times)),
      // A head is told to others, signed: never one that a power cut could take back.
      head: (log) => read(() => queue.afterFlush(() => logWrites.head(log))),
      tiles: (log, wanted) => read(() => logWrites.tiles(log, wanted)),
      entries: (log, sequence, limit) => read(() => reads.entries(log, sequence, limit)),
      leaves: (log, sequence, limit) => read(() => readLeaves(log, sequence, limit)),
      search: (search) => read(() => reads.search(search)),
      openWork: (log, limit) => read(() => reads.openWork(log, limit)),
      counts: (from, to) => read(() => reads.counts(from, to)),
      forgetCounts: (before) => read(() => bounds.forgetCounts(before)),
      pruned: (log) => read(() => bounds.pruned(log)),
    },
    checkpoints: checkpointStore(queries),
    statements: statementStore(queries),
    decisions: decisionStore(queries),
    wholeFiles: wholeFileStore(queries),
    directory: directoryStore(queries),
    state: {
      read: () => read(() => readState(queries)),
      close: (closed) => durable('store-unavailable', () => logWrites.close(closed)),
      open: (at, successions) => durable('store-unavailable', () => logWrites.open(at, successions)),
    },
    streams: {
      read: (stream, log) => read(() => cursorOf(stream, log)),
      advance: (stream, log, next) =>
        durable('store-unavailable', () => write.advanceCursor(stream, log, next)),
    },
    archive: archiveStore(queries),
    keys: entryKeys(queries, SQLITE),
    careLocations: sqliteCareLocations(
      database,
      reader,
      (write) => durable('store-unavailable', write),
      (action) => read(action),
    ),
    objections: {
      record: (objections) =>
        durable('store-unavailable', () =>
          objections.forEach((objection) => write.recordObjection(objection)),
        ),
      inForce: (digests, at) => read(() => patients.inForce(digests, at)),
    },
    register: registerStore(queries, (entries, reading) =>
      queue.commit(() => writeRegister(entries, reading)),
    ),
    knownRegions: knownRegionStore(queries, lane),
    toldRestrictions: toldRestrictionStore(queries, lane),
    noticeInbox: noticeInboxStore(queries, lane, SQLITE),
    noticeQueue: noticeQueueStore(queries, lane, SQLITE, (rows, at, dueBy) =>
      queue.commit(() => putIn(rows, at, dueBy)),
    ),
    tellers: tellerStore(queries, lane),
    hasRoom: () => space.hasRoom(),
    healthy: () =>
      durable('store-unavailable', () => write.countRefusal('health-write', 0)).then(
        () => true,
        () => false,
      ),
    close: () => (closing ??= close()),
  };
}
