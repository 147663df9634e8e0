import { createWriteStream, existsSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { CommandFailed } from './io.ts';

const OWNER_ALONE = 0o600;

/** Writes a file for this user alone, never over another: it names a patient. @throws CommandFailed */
export function writeNewFile(file: string, text: string): void {
  try {
    writeFileSync(file, text, { mode: OWNER_ALONE, flag: 'wx' });
  } catch (error) {
    throw notWritten(file, error);
  }
}

/** The same, a line at a time; what cannot be finished is taken away. @throws CommandFailed */
export async function streamNewFile(file: string, lines: AsyncIterable<string>): Promise<void> {
  refuseExisting(file);
  let opened = false;
  const out = createWriteStream(file, { mode: OWNER_ALONE, flags: 'wx' });
  out.once('open', () => (opened = true));
  try {
    await pipeline(Readable.from(lines), out);
  } catch (error) {
    if (opened) await rm(file, { force: true });
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    throw notWritten(file, error);
  }
}

/** Before anything is read or kept for it. @throws CommandFailed */
export function refuseExisting(file: string | undefined): void {
  if (file !== undefined && existsSync(file)) throw notWritten(file, { code: 'EEXIST' });
}

function notWritten(file: string, cause: unknown): CommandFailed {
  const exists = (cause as NodeJS.ErrnoException).code === 'EEXIST';
  const why = exists
    ? 'is there already: name another'
    : 'cannot be written: name a place that this user can write';
  return new CommandFailed(`${file} ${why}.`, 1, { cause });
}
