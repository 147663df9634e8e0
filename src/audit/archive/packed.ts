import { createHash, hash } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32, createDeflateRaw, createInflateRaw } from 'node:zlib';

import { SegmentBroken } from './segment-broken.ts';

/**
 * The outer form of a segment's file: two gzip members (RFC 1952), which any gunzip reads as one text. The first holds
 * the lines. The second, not compressed, holds one line with the SHA-256 of the first member's bytes: the same lines
 * can be compressed in many ways, so without it some bytes could be changed and nothing be found.
 */

/** Deflate; no flags, no time, no file name, no system: nothing that says nothing. */
const HEADER = Buffer.from('1f8b08000000000000ff', 'hex');
const CHECK_BYTES = 8;

/** The second member, whose every byte follows from the digest. */
function sealOf(digest: string): Buffer {
  const line = Buffer.from(`{"sha256":"${digest}"}\n`);
  const stored = Buffer.alloc(5);
  stored.writeUInt8(1);
  stored.writeUInt16LE(line.length, 1);
  stored.writeUInt16LE(~line.length & 0xffff, 3);
  return Buffer.concat([HEADER, stored, line, checkOf(crc32(line), line.length)]);
}

const SEAL_BYTES = sealOf(hash('sha256', '', 'hex')).length;

/** CRC-32 and length modulo 2^32 of what a member holds. */
function checkOf(crc: number, length: number): Buffer {
  const check = Buffer.alloc(CHECK_BYTES);
  check.writeUInt32LE(crc);
  check.writeUInt32LE(length % 2 ** 32, 4);
  return check;
}

/** The bytes of a file that holds this text. */
export async function* pack(text: AsyncIterable<string>): AsyncGenerator<Buffer, void, undefined> {
  const digest = createHash('sha256');
  const held = { crc: 0, length: 0 };
  const deflate = createDeflateRaw();
  const fed = pipeline(Readable.from(counted(text, held)), deflate);
  // What breaks it comes out of the reading as well.
  fed.catch(() => undefined);
  digest.update(HEADER);
  yield HEADER;
  for await (const chunk of deflate as AsyncIterable<Buffer>) {
    digest.update(chunk);
    yield chunk;
  }
  await fed;
  const check = checkOf(held.crc, held.length);
  yield check;
  yield sealOf(digest.update(check).digest('hex'));
}

/**
 * The text of a file, in bytes as they come; believe none of it before the end was reached.
 *
 * @throws SegmentBroken `form`, or `digest` at the end
 */
export async function* unpack(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void, undefined> {
  const file = new Framed(chunks);
  const held = { crc: 0, length: 0 };
  const inflate = createInflateRaw();
  const fed = pipeline(Readable.from(file.deflated()), inflate);
  fed.catch(() => undefined);
  try {
    yield* counted(inflate as AsyncIterable<Buffer>, held);
    await fed;
  } catch (error) {
    if (!isZlibError(error)) throw error;
    throw new SegmentBroken('form', 'what is compressed cannot be read', undefined, { cause: error });
  }
  const unread = file.deflatedBytes !== inflate.bytesWritten;
  if (unread || !file.check.equals(checkOf(held.crc, held.length))) {
    throw new SegmentBroken('form', 'what is compressed does not end where it must');
  }
  if (!file.seal.equals(sealOf(file.digest()))) {
    throw new SegmentBroken('digest', 'its bytes are not those whose digest it ends with');
  }
}

/** Passes on, and keeps count. */
async function* counted(
  parts: AsyncIterable<string | Buffer>,
  held: { crc: number; length: number },
): AsyncGenerator<Buffer, void, undefined> {
  for await (const part of parts) {
    const bytes = typeof part === 'string' ? Buffer.from(part) : part;
    held.crc = crc32(bytes, held.crc);
    held.length += bytes.length;
    yield bytes;
  }
}

/** A file's bytes, parted into header, what is compressed, its check, and the seal. */
class Framed {
  deflatedBytes = 0;
  check = Buffer.alloc(0);
  seal = Buffer.alloc(0);
  readonly #chunks: AsyncIterable<Uint8Array>;
  readonly #digest = createHash('sha256');

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks;
  }

  digest(): string {
    return this.#digest.digest('hex');
  }

  /** What lies between header and check: the last bytes are held back until it is known that they are the last. */
  async *deflated(): AsyncGenerator<Buffer, void, undefined> {
    let rest = Buffer.alloc(0);
    let begun = false;
    for await (const chunk of this.#chunks) {
      rest = Buffer.concat([rest, chunk]);
      if (!begun && rest.length >= HEADER.length) {
        if (!rest.subarray(0, HEADER.length).equals(HEADER)) throw notOne();
        this.#digest.update(HEADER);
        rest = rest.subarray(HEADER.length);
        begun = true;
      }
      const sure = begun ? rest.length - CHECK_BYTES - SEAL_BYTES : 0;
      if (sure <= 0) continue;
      this.#digest.update(rest.subarray(0, sure));
      this.deflatedBytes += sure;
      yield rest.subarray(0, sure);
      rest = rest.subarray(sure);
    }
    if (!begun || rest.length !== CHECK_BYTES + SEAL_BYTES) throw notOne();
    this.check = rest.subarray(0, CHECK_BYTES);
    this.seal = rest.subarray(CHECK_BYTES);
    this.#digest.update(this.check);
  }
}

function notOne(): SegmentBroken {
  return new SegmentBroken('form', 'it is no file of a segment, or was cut short');
}

function isZlibError(error: unknown): boolean {
  const code: unknown = (error as { code?: unknown }).code;
  return typeof code === 'string' && (code.startsWith('Z_') || code === 'ERR_STREAM_PREMATURE_CLOSE');
}
