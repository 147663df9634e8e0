import type { FileHandle } from 'node:fs/promises';

const READ_BYTES = 1024 * 1024;
/** A FHIR resource may be long; beyond this nobody wrote an Encounter. */
const MOST_LINE_BYTES = 1024 * 1024;

/** Some whole lines of a file, and where the next begins. */
export interface Lines {
  /** Undefined for one that is too long. */
  readonly lines: readonly (string | undefined)[];
  readonly next: number;
}

/** A file's lines from a place on, some at a time, in constant memory. The last need not end. */
export async function* linesOf(file: FileHandle, from: number): AsyncGenerator<Lines, void, undefined> {
  const chunk = Buffer.allocUnsafe(READ_BYTES);
  let rest: Buffer = Buffer.alloc(0);
  let tooLong = false;
  for (let at = from; ;) {
    const { bytesRead } = await file.read(chunk, 0, READ_BYTES, at);
    if (bytesRead === 0) {
      if (tooLong) yield { lines: [undefined], next: at };
      else if (rest.length > 0) yield { lines: [withoutReturn(rest.toString('utf8'))], next: at };
      return;
    }
    const read = chunk.subarray(0, bytesRead);
    at += bytesRead;
    const end = read.lastIndexOf(0x0a);
    if (end < 0) {
      tooLong ||= rest.length + bytesRead > MOST_LINE_BYTES;
      rest = tooLong ? Buffer.alloc(0) : Buffer.concat([rest, read]);
      continue;
    }
    const text = Buffer.concat([rest, read.subarray(0, end)]).toString('utf8');
    const lines: (string | undefined)[] = text.split('\n').map(withoutReturn);
    if (tooLong) lines[0] = undefined;
    tooLong = false;
    rest = Buffer.from(read.subarray(end + 1));
    yield { lines, next: at - rest.length };
  }
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}
