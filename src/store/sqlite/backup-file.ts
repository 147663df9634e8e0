import { existsSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { StartError } from '../../errors.ts';
import type { Filling } from '../copying.ts';
import { flushName, openSqliteFilling } from './filling.ts';
import { openReader } from './snapshot.ts';

const PART = '.part';

/**
 * Writes a backup: a SQLite store in one file, that of its owner alone, with a row that says what it is. It bears its
 * name only when it is whole and on the disk.
 *
 * @param fill copies into it
 * @param describe looks at what was copied, by the name that it has so far @returns what the row says
 * @throws StartError when something bears the name already; whatever the two throw
 */
export async function writeSqliteBackup(
  file: string,
  now: () => number,
  fill: (filling: Filling) => Promise<void>,
  describe: (part: string) => Promise<string>,
): Promise<void> {
  if (existsSync(file)) {
    throw new StartError(`${file} is there already, and is not written over: name another.`);
  }
  const part = `${file}${PART}`;
  if (existsSync(part)) {
    throw new StartError(
      `${part} is there: another backup is being written, or one was cut short. Take it away if no command runs.`,
    );
  }
  try {
    const filling = await openSqliteFilling(part, now);
    try {
      await fill(filling);
    } finally {
      await filling.close();
    }
    putRow(part, await describe(part));
    flushName(part);
    renameSync(part, file);
    flushName(dirname(file));
  } catch (error) {
    for (const name of ['', '-wal', '-shm', '-journal']) rmSync(`${part}${name}`, { force: true });
    throw error;
  }
}

/**
 * What a backup's row says.
 *
 * @throws StartError when the file cannot be read, is damaged or is no backup
 */
export function toldBySqliteBackup(file: string): string {
  const database = openReader(file);
  try {
    const checked = database.prepare('PRAGMA integrity_check(1)').get();
    if (checked?.['integrity_check'] !== 'ok') throw new Error('damaged');
    return String(database.prepare('SELECT told FROM backup').get()?.['told']);
  } catch (cause) {
    throw new StartError(`${file} is damaged, cut short, or no backup: name another.`, { cause });
  } finally {
    database.close();
  }
}

function putRow(file: string, told: string): void {
  const database = new DatabaseSync(file);
  try {
    // One file without any beside it, which can be read from where nothing can be written.
    database.exec(
      'PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL; CREATE TABLE backup (told text NOT NULL)',
    );
    database.prepare('INSERT INTO backup (told) VALUES (?)').run(told);
  } finally {
    database.close();
  }
}
