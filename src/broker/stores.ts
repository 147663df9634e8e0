import { createSecretKey } from 'node:crypto';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';

import { AuditLog, type LogWatch } from '../audit/log.ts';
import { Keyring } from '../audit/sealing.ts';
import { currentOf } from '../audit/succession/chain.ts';
import type { Config } from '../config/load.ts';
import { storeSecrets, type StoreSecrets } from '../config/secrets.ts';
import { keyedDigest, keyedDigestBytes } from '../evidence/seal.ts';
import type { BackupFiles } from '../recovery/take-backup.ts';
import type { SightingStage, Store } from '../store/contracts.ts';
import type { Filling, Snapshot } from '../store/copying.ts';
import { openPostgresFilling, openPostgresSnapshot } from '../store/postgres/copying.ts';
import { openPostgresStore } from '../store/postgres/store.ts';
import { toldBySqliteBackup, writeSqliteBackup } from '../store/sqlite/backup-file.ts';
import { openSqliteFilling } from '../store/sqlite/filling.ts';
import { openSqliteStage } from '../store/sqlite/sighting-stage.ts';
import { openSqliteSnapshot } from '../store/sqlite/snapshot.ts';
import { openSqliteReading, openSqliteStore } from '../store/sqlite/store.ts';
import { logOrigin } from '../tlog/origin.ts';

const MIB = 2 ** 20;

/** Opens the store that a configuration names, for the broker and for the commands that work on it. */
export function openStore(
  {
    store,
    store_reserve_mb: reserveMb = 0,
  }: Pick<Config, 'store'> & Partial<Pick<Config, 'store_reserve_mb'>>,
  now: () => number = Date.now,
): Promise<Store> {
  const file = sqliteFile(store);
  return file === undefined ? openPostgresStore(store, now) : openSqliteStore(file, now, reserveMb * MIB);
}

/** What the store that a configuration names holds now, to be copied. */
export async function openSnapshot({ store }: Pick<Config, 'store'>): Promise<Snapshot> {
  const file = sqliteFile(store);
  return file === undefined ? openPostgresSnapshot(store) : openSqliteSnapshot(file);
}

/** The store that a configuration names, made to be filled: nothing is there yet. @throws StartError */
export function openFilling(
  { store }: Pick<Config, 'store'>,
  now: () => number = Date.now,
): Promise<Filling> {
  const file = sqliteFile(store);
  return file === undefined ? openPostgresFilling(store, now) : openSqliteFilling(file, now);
}

/** The backup files, which are SQLite whatever the store is. */
export const BACKUP_FILES: BackupFiles = {
  write: writeSqliteBackup,
  told: toldBySqliteBackup,
  openStore: openSqliteReading,
  openSnapshot: openSqliteSnapshot,
};

function sqliteFile(store: string): string | undefined {
  return store.startsWith('sqlite:') ? store.slice('sqlite:'.length) : undefined;
}

/** The keyed digest under which this region's store knows a patient. */
export function patientDigestOf(secrets: StoreSecrets): (nhsNumber: string) => string {
  const key = createSecretKey(secrets.patientDigestKey);
  return (nhsNumber) => keyedDigest(key, nhsNumber);
}

/** The same as 32 bytes. */
export function patientDigestBytesOf(secrets: StoreSecrets): (nhsNumber: string) => Buffer {
  const key = createSecretKey(secrets.patientDigestKey);
  return (nhsNumber) => keyedDigestBytes(key, nhsNumber);
}

/**
 * Where the rows of a file wait to be merged: beside a SQLite store; for a PostgreSQL store in the directory for temporary files.
 *
 * @param name tells the file from others @param directory in the place of these
 */
export function openSightingStage(
  { store, region }: Pick<Config, 'store' | 'region'>,
  name: string,
  directory?: string,
): SightingStage {
  const file = sqliteFile(store);
  const beside = file === undefined ? tmpdir() : dirname(file);
  const whose = file === undefined ? `wayleave-${region}` : basename(file);
  return openSqliteStage(join(directory ?? beside, `${whose}.import-${name}`));
}

/** This replica's log in a store, for the broker and for the commands that work on it: the one that is written now. */
export async function auditLogIn(
  store: Store,
  config: Config,
  secrets: StoreSecrets,
  now = Date.now,
  watch?: LogWatch,
): Promise<AuditLog> {
  const origin = currentOf(await store.log.logs(), logOrigin(config.entity, config.replica));
  return logAt(store, origin, secrets, now, watch);
}

/** Any log of a store, under a region's secrets. */
export function auditLogAt(config: Config): (store: Store, origin: string) => AuditLog {
  const secrets = storeSecrets(config.secretsDirectory);
  return (store, origin) => logAt(store, origin, secrets, Date.now);
}

function logAt(
  store: Store,
  origin: string,
  secrets: StoreSecrets,
  now: () => number,
  watch?: LogWatch,
): AuditLog {
  const keyring = new Keyring(secrets.auditKeys);
  const stored = { store: store.log, hasRoom: () => store.hasRoom() };
  return new AuditLog({ ...stored, origin, keyring, digest: patientDigestOf(secrets), now, watch });
}
