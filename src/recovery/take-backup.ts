import { z } from 'zod';

import type { Store } from '../store/contracts.ts';
import { copyStore, type CopyProgress, type Filling, type Snapshot } from '../store/copying.ts';

/** The door to backup files. */
export interface BackupFiles {
  write(
    file: string,
    now: () => number,
    fill: (filling: Filling) => Promise<void>,
    describe: (part: string) => Promise<string>,
  ): Promise<void>;
  /** What a backup says of itself, once its pages were found whole. @throws StartError */
  told(file: string): string;
  /** A backup as a store that is only read. */
  openStore(file: string): Store;
  openSnapshot(file: string): Snapshot;
}

const FORM = 'wayleave-backup/1';

/** What a backup says of itself. */
export const backupForm = z.object({
  form: z.literal(FORM),
  region: z.string(),
  entity: z.string(),
  /** ISO instant of the moment that it shows. */
  taken_at: z.iso.datetime(),
  /** The program's version and that of its tables: a backup goes back into tables of the same version. */
  program: z.string(),
  version: z.string(),
  /** Each log as it was then; `root` in base64, absent where it could not be read. */
  logs: z.array(
    z.object({ log: z.string(), size: z.int(), root: z.string().optional(), next: z.string().optional() }),
  ),
  rows: z.record(z.string(), z.int()),
});
export type Backup = z.infer<typeof backupForm>;

export interface TakeSettings {
  readonly file: string;
  readonly region: string;
  readonly entity: string;
  readonly program: string;
  readonly files: BackupFiles;
  readonly now: () => number;
  readonly onProgress?: ((progress: CopyProgress) => void) | undefined;
}

/**
 * Copies everything that a store holds at this moment into one file, beside a broker that may be writing to it. What
 * is sealed stays sealed. A store made of the file starts closed.
 *
 * @param open gives the moment
 */
export async function takeBackup(open: () => Promise<Snapshot>, settings: TakeSettings): Promise<Backup> {
  const { file, region, entity, program, files, now, onProgress } = settings;
  const snapshot = await open();
  const taken_at = new Date(now()).toISOString();
  let backup: Backup | undefined;
  let rows: Record<string, number> = {};
  try {
    await files.write(
      file,
      now,
      async (filling) => {
        rows = await copyStore(snapshot, filling, onProgress);
        // Whoever puts the file in a store's place by hand has put back a store as well.
        await filling.finish('restored', now(), JSON.stringify({ taken_at }));
      },
      async (part) => {
        const logs = await logsIn(files.openStore(part));
        const { version } = snapshot;
        backup = { form: FORM, ...{ region, entity, taken_at, program, version, logs, rows } };
        return JSON.stringify(backup);
      },
    );
  } finally {
    await snapshot.close();
  }
  if (backup === undefined) throw new TypeError('it was described');
  return backup;
}

async function logsIn(store: Store): Promise<Backup['logs']> {
  try {
    const logs = await store.log.logs();
    return await Promise.all(
      logs.map(async ({ log, size, end }) => {
        const head = await store.log.head(log).catch(() => undefined);
        const root = head === undefined ? {} : { root: Buffer.from(head.root).toString('base64') };
        return { ...{ log, size }, ...root, ...(end === undefined ? {} : { next: end.next }) };
      }),
    );
  } finally {
    await store.close();
  }
}
