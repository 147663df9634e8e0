import { createReadStream } from 'node:fs';

import { CommandFailed } from './io.ts';

/** No line of a file that is meant here is longer, by far. */
const LONGEST_LINE = 64 * 1024;

/** The lines of a text file, one after another and never all of it; CRLF as well. @throws CommandFailed */
export async function* linesOf(file: string): AsyncGenerator<string, void, undefined> {
  let rest = '';
  try {
    for await (const chunk of createReadStream(file, { encoding: 'utf8', highWaterMark: 256 * 1024 })) {
      const lines = (rest + (chunk as string)).split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > LONGEST_LINE) throw new CommandFailed(`${file} is no text of lines: name another.`);
      for (const line of lines) yield line.endsWith('\r') ? line.slice(0, -1) : line;
    }
  } catch (error) {
    if (error instanceof Error && 'syscall' in error) {
      throw new CommandFailed(
        `${file} cannot be read: name a file that exists and that this user may read.`,
        1,
        { cause: error },
      );
    }
    throw error;
  }
  if (rest !== '') yield rest;
}
