import { randomUUID } from 'node:crypto';
import { createWriteStream, existsSync } from 'node:fs';
import { link, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import type { Draft, Shelf } from '../audit/archive/shelf.ts';
import { flushDirectory } from '../trust/flush-directory.ts';
import { fileBytes } from './file-bytes.ts';
import { CommandFailed } from './io.ts';

const OWNER_ALONE = 0o600;
const DIRECTORY_OWNER_ALONE = 0o700;

/** Makes a directory for segments' files, if it is not there. @throws CommandFailed */
export async function makeShelf(directory: string): Promise<Shelf> {
  try {
    await mkdir(directory, { recursive: true, mode: DIRECTORY_OWNER_ALONE });
  } catch (cause) {
    const mend = 'name a place that this user can write';
    throw new CommandFailed(`--dir ${directory} cannot be made: ${mend}.`, 1, { cause });
  }
  return segmentShelf(directory);
}

/** Segments' files in a directory. */
export function segmentShelf(directory: string): Shelf {
  return {
    has: (name) => existsSync(join(directory, name)),
    chunks: (name) => fileBytes(join(directory, name)),
    draft: async (name, chunks) => {
      const [part, place] = [join(directory, `${name}.${randomUUID()}.part`), join(directory, name)];
      await writeFlushed(part, chunks);
      return draftAt(part, place, directory);
    },
  };
}

function draftAt(part: string, place: string, directory: string): Draft {
  return {
    chunks: () => fileBytes(part),
    keep: async () => {
      await giveName(part, place);
      await flushDirectory(directory);
    },
    drop: () => rm(part, { force: true }),
  };
}

async function writeFlushed(part: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    await pipeline(
      Readable.from(chunks),
      createWriteStream(part, { flags: 'wx', mode: OWNER_ALONE, flush: true }),
    );
  } catch (error) {
    await rm(part, { force: true });
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    throw new CommandFailed(
      `${part} cannot be written: name a --dir with room that this user can write.`,
      1,
      {
        cause: error,
      },
    );
  }
}

/** A link is never made over another file; where the file system has none, a look before has to do. */
async function giveName(part: string, place: string): Promise<void> {
  try {
    await link(part, place);
    await rm(part);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST' || existsSync(place)) {
      await rm(part, { force: true });
      throw new CommandFailed(`${place} is there already: another run writes to this directory.`, 1, {
        cause,
      });
    }
    await rename(part, place);
  }
}
