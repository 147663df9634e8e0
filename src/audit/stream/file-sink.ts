import { open, rename, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

import { flushDirectory } from '../../trust/flush-directory.ts';
import type { StreamSink } from './audit-stream.ts';
import { FILE_BEGINS, firstSequence } from './ndjson-line.ts';
import { StreamStuck } from './stream-fault.ts';

/** For us and for a group: whoever ships the file on need not be us. */
const MODE = 0o640;
const LINE_FEED = Buffer.from('\n');
/** The first line's number is within that, whatever the log is called. */
const HEAD_BYTES = 4 * 1024;
const DIGITS = 12;

/** The file as it was found. */
interface Found {
  readonly file: FileHandle;
  readonly size: number;
  /** A crash or a full disk left the last line without its end. */
  readonly torn: boolean;
  /** Of the first line; undefined when there is none. */
  readonly first: number | undefined;
}

/**
 * Appends lines to a file that only grows. It is opened and looked at anew for each batch: a crash, a full disk and
 * a file that somebody moved away are then all the same everyday case. A torn line is ended, never cut off, so that
 * whoever follows the file never sees it shrink: it reads a line that is no JSON, and later the whole one.
 */
export class FileSink implements StreamSink {
  readonly #path: string;
  readonly #rotateBytes: number;
  #directoryFlushed = false;

  /** @param rotateBytes the file is put aside before it would grow beyond that; nothing is ever deleted */
  constructor(path: string, rotateBytes = Infinity) {
    this.#path = path;
    this.#rotateBytes = rotateBytes;
  }

  /** @param lines each with its line feed @throws Error of the file system; StreamStuck */
  async send(lines: readonly Buffer[]): Promise<void> {
    const text = Buffer.concat(lines);
    let found = await this.#open();
    try {
      if (found.first !== undefined && found.size + text.length > this.#rotateBytes) {
        if (found.torn) await found.file.appendFile(LINE_FEED);
        await putAside(this.#path, found.first);
        await found.file.close();
        found = await this.#open();
      }
      if (found.size === 0) this.#directoryFlushed = false;
      await found.file.appendFile(found.torn ? Buffer.concat([LINE_FEED, text]) : text);
      await found.file.datasync();
    } finally {
      await found.file.close();
    }
    if (this.#directoryFlushed) return;
    await flushDirectory(dirname(this.#path));
    this.#directoryFlushed = true;
  }

  /** A write is under way for a moment only, and cannot be called back. */
  close(): void {}

  async #open(): Promise<Found> {
    const file = await open(this.#path, 'a+', MODE);
    try {
      return { file, ...(await lookAt(file)) };
    } catch (error) {
      await file.close();
      throw error;
    }
  }
}

/** @throws StreamStuck for anything but a file of our lines: what is another's is not written to */
async function lookAt(file: FileHandle): Promise<Omit<Found, 'file'>> {
  const stat = await file.stat();
  if (!stat.isFile()) throw new StreamStuck('not-a-stream-file');
  const { size } = stat;
  if (size === 0) return { size, torn: false, first: undefined };
  const head = (await read(file, 0, Math.min(size, HEAD_BYTES))).toString('latin1');
  const [firstLine = ''] = head.split('\n', 1);
  if (!firstLine.startsWith(FILE_BEGINS.slice(0, firstLine.length)) || firstLine === '')
    throw new StreamStuck('not-a-stream-file');
  const last = await read(file, size - 1, 1);
  return { size, torn: !last.equals(LINE_FEED), first: firstSequence(head) };
}

async function read(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}

/** Renames the file to its own name and the number of its first line, never over another. */
async function putAside(path: string, first: number): Promise<void> {
  const name = `${path}.${String(first).padStart(DIGITS, '0')}`;
  for (let attempt = 1; ; attempt += 1) {
    const target = attempt === 1 ? name : `${name}-${attempt}`;
    try {
      // Whoever makes the name has it: the rename then replaces nothing but this empty file.
      await (await open(target, 'wx', MODE)).close();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue;
      throw error;
    }
    return await rename(path, target);
  }
}
