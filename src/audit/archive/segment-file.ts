import { z } from 'zod';

import { decodeBase64 } from '../../tlog/base64.ts';
import { pack, unpack } from './packed.ts';
import { SegmentBroken } from './segment-broken.ts';

/** What the first line of a segment's file says: which entries these are, and all that is needed to believe them. */
export interface SegmentHead {
  /** The log that the entries are of (C2SP tlog-checkpoint). */
  readonly origin: string;
  /** Entries `from` to `to` (not included). */
  readonly from: number;
  readonly to: number;
  /** The roots of the complete subtrees of the `from` entries before, Base 64, largest first (`src/tlog/frontier.ts`). */
  readonly frontier: readonly string[];
  /** The checkpoint of `from` entries as a signed note with its cosignatures; absent where `from` is 0. */
  readonly start?: string | undefined;
  /** The checkpoint of `to` entries. */
  readonly end: string;
  /** Entity statements: the log's own region first, then each region that cosigned. */
  readonly statements: readonly string[];
}

/** One entry, as one line of the file. */
export interface SegmentEntry {
  /** The bytes that the tree covers. */
  readonly leaf: Buffer;
  /** What is sealed, encrypted; the entry's key is not in the file. Absent where nothing was, or it was erased before. */
  readonly sealed?: Buffer | undefined;
}

/** A statement, a note or a list of hundreds of resources is far below it. */
const LONGEST_LINE_BYTES = 16 * 1024 * 1024;

const NEWLINE = 0x0a;

/** A lone surrogate is many texts to JSON and one to UTF-8. */
const text = z.string().refine((given) => given.isWellFormed(), 'well-formed text');

const headLine = z.strictObject({
  wayleave_segment: z.literal(1),
  origin: text,
  from: z.int().nonnegative(),
  to: z.int().positive(),
  frontier: z.array(text),
  start: text.exactOptional(),
  end: text,
  statements: z.array(text).min(1),
});
const NO_HEAD = {
  wayleave_segment: 1,
  origin: '',
  from: 0,
  to: 0,
  frontier: [],
  end: '',
  statements: [],
} as const;
const entryLine = z.strictObject({ leaf: text, sealed: text.exactOptional() });

function formatHead({ origin, from, to, frontier, start, end, statements }: SegmentHead): string {
  const known = { wayleave_segment: 1, origin, from, to, frontier };
  return `${JSON.stringify({ ...known, ...(start === undefined ? {} : { start }), end, statements })}\n`;
}

function formatEntry({ leaf, sealed }: { leaf: string; sealed?: string | undefined }): string {
  return `${JSON.stringify({ leaf, ...(sealed === undefined ? {} : { sealed }) })}\n`;
}

/** The bytes of a file. @param pages entries in their order, as many at a time as are at hand */
export function writeSegment(
  head: SegmentHead,
  pages: AsyncIterable<readonly SegmentEntry[]>,
): AsyncGenerator<Buffer, void, undefined> {
  return pack(textOf(head, pages));
}

async function* textOf(
  head: SegmentHead,
  pages: AsyncIterable<readonly SegmentEntry[]>,
): AsyncGenerator<string, void, undefined> {
  yield formatHead(head);
  for await (const page of pages) {
    yield page
      .map(({ leaf, sealed }) =>
        formatEntry({ leaf: leaf.toString('utf8'), sealed: sealed?.toString('base64') }),
      )
      .join('');
  }
}

/** A file as it is read, of which no more than a line is in memory. Nothing in it is believed yet. */
export interface ReadSegment {
  readonly head: SegmentHead;
  /** To be read to the end: only there is it known that the file is whole. @throws SegmentBroken `form`, `digest` */
  readonly entries: AsyncGenerator<SegmentEntry, void, undefined>;
}

/** @throws SegmentBroken `form`, `digest` */
export async function readSegment(chunks: AsyncIterable<Uint8Array>): Promise<ReadSegment> {
  const lines = linesOf(unpack(chunks));
  const first = await lines.next();
  const line = first.done === true ? '' : first.value;
  const parsed = headLine.safeParse(parseJson(line));
  const { wayleave_segment: _form, ...head } = parsed.data ?? NO_HEAD;
  if (formatHead(head) !== `${line}\n` || head.from >= head.to) {
    await lines.return();
    throw new SegmentBroken('form', 'its first line is not the one text of the head of a segment');
  }
  return { head, entries: entriesOf(lines, head.from) };
}

async function* entriesOf(
  lines: AsyncIterable<string>,
  from: number,
): AsyncGenerator<SegmentEntry, void, undefined> {
  let at = from;
  for await (const line of lines) {
    const parsed = entryLine.safeParse(parseJson(line));
    const sealed = parsed.data?.sealed === undefined ? undefined : decodeBase64(parsed.data.sealed);
    const isOneText = parsed.success && formatEntry(parsed.data) === `${line}\n`;
    if (!isOneText || (parsed.data.sealed !== undefined && sealed === undefined)) {
      throw new SegmentBroken('form', `the line of entry ${at} is not the one text of an entry`, at);
    }
    yield { leaf: Buffer.from(parsed.data.leaf), sealed };
    at += 1;
  }
}

/** Each line without its newline, which the last one has too. */
async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<string, void, undefined> {
  let rest: Buffer[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    let from = 0;
    for (let end; (end = chunk.indexOf(NEWLINE, from)) >= 0; from = end + 1) {
      yield decode(Buffer.concat([...rest, chunk.subarray(from, end)]));
      [rest, length] = [[], 0];
    }
    rest.push(chunk.subarray(from));
    length += chunk.length - from;
    if (length > LONGEST_LINE_BYTES) throw new SegmentBroken('form', 'a line is too long');
  }
  if (length > 0) throw new SegmentBroken('form', 'its last line has no end');
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new SegmentBroken('form', 'a line is not UTF-8', undefined, { cause });
  }
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
