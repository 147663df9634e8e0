import { createReadStream } from 'node:fs';

import { CommandFailed } from './io.ts';

/** A file's bytes as they are read. @throws CommandFailed when it cannot be read, or not to its end */
export async function* fileBytes(file: string): AsyncGenerator<Buffer, void, undefined> {
  try {
    for await (const chunk of createReadStream(file)) yield chunk as Buffer;
  } catch (cause) {
    throw new CommandFailed(`${file} cannot be read to its end: name a file that this user may read.`, 1, {
      cause,
    });
  }
}
