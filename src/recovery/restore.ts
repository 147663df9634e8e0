import { CommandRefused } from './refused.ts';
import { wasRecorded } from '../audit/whole-log/check-end.ts';
import { verifyLog } from '../audit/whole-log/verify-log.ts';
import type { AuditLog } from '../audit/log.ts';
import type { Store } from '../store/contracts.ts';
import { copyStore, type CopyProgress, type Filling } from '../store/copying.ts';
import type { VerifierKey } from '../tlog/note-keys.ts';
import { backupForm, type Backup, type BackupFiles } from './take-backup.ts';

export interface CheckSettings {
  readonly file: string;
  readonly files: BackupFiles;
  readonly region: string;
  readonly entity: string;
  /** The version of this program's tables. */
  readonly version: string;
  /** A log of a store, and the keys that may have signed its checkpoints. */
  readonly logIn: (store: Store, origin: string) => AuditLog;
  readonly keysOf: (store: Store, origin: string) => Promise<readonly VerifierKey[]>;
}

/**
 * Checks a backup before anything is made of it: its pages, its form, whose it is, its version, that what it says of
 * itself is so, and the tail of each log.
 *
 * @throws CommandRefused a sentence; StartError when it cannot be read
 */
export async function checkBackup(settings: CheckSettings): Promise<Backup> {
  const { file, files, region, entity, version } = settings;
  const backup = backupForm.safeParse(parsed(files.told(file))).data;
  if (backup === undefined)
    throw new CommandRefused(`${file} is no backup that this program knows: name another.`);
  if (backup.region !== region || backup.entity !== entity) {
    throw new CommandRefused(`${file} is a backup of ${backup.region}, and not of ${region}: name another.`);
  }
  if (backup.version !== version) {
    throw new CommandRefused(
      `${file} was taken by version ${backup.program} with tables ${backup.version}, and this program has ${version}: ` +
        'restore it with the version that took it, and start this one on the store then.',
    );
  }
  const store = files.openStore(file);
  try {
    await checkLogs(store, backup, settings);
  } finally {
    await store.close();
  }
  return backup;
}

async function checkLogs(
  store: Store,
  backup: Backup,
  { file, logIn, keysOf }: CheckSettings,
): Promise<void> {
  for (const { log: origin, size, root } of backup.logs) {
    const settings = { log: logIn(store, origin), store: store.log, checkpoints: store.checkpoints };
    const head = await store.log.head(origin).catch(() => undefined);
    const isSame =
      root === undefined || (head?.size === size && Buffer.from(head.root).toString('base64') === root);
    // From the last but one, so that there is a tail to look at where the last covers all.
    const latest = await store.checkpoints.latest(origin, size - 1);
    const keys = await keysOf(store, origin);
    const { fault } = await verifyLog({ ...settings, keys, digest: () => '' }, { from: latest?.size ?? 0 });
    if (isSame && (fault === undefined || (await wasRecorded(origin, fault, store.log)))) continue;
    const where = fault === undefined ? 'at its head' : `at entry ${fault.sequence} (${fault.kind})`;
    throw new CommandRefused(`${file}: the log ${origin} in it is broken ${where}: name another backup.`);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Puts a backup that was checked into a store that is empty. Until the last step the store refuses to start; after it
 * the store is closed, until an admin has confirmed whom we trust.
 *
 * @param detail what is kept about it, beside the time that the backup shows
 * @throws CommandRefused when what was copied is not what the backup says
 */
export async function restoreBackup(
  backup: Backup,
  { file, files }: Pick<CheckSettings, 'file' | 'files'>,
  open: () => Promise<Filling>,
  detail: object,
  now: () => number,
  onProgress?: (progress: CopyProgress) => void,
): Promise<void> {
  const snapshot = files.openSnapshot(file);
  try {
    const filling = await open();
    try {
      const rows = await copyStore(snapshot, filling, onProgress);
      const wrong = Object.keys({ ...rows, ...backup.rows }).find((name) => rows[name] !== backup.rows[name]);
      if (wrong !== undefined) {
        throw new CommandRefused(`${file} has not as many rows of ${wrong} as it says: name another backup.`);
      }
      const { taken_at } = backup;
      await filling.finish('restored', now(), JSON.stringify({ taken_at, ...detail }));
    } finally {
      await filling.close();
    }
  } finally {
    await snapshot.close();
  }
}
