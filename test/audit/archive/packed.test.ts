import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';

import { pack, unpack } from '../../../src/audit/archive/packed.ts';
import { bytesOf, inChunks } from './old-log.ts';

async function* lines(count: number): AsyncGenerator<string> {
  for (let nth = 0; nth < count; nth += 1) yield `line ${nth}: ${'abc'.repeat(nth % 20)} é\n`;
}

const textOf = (count: number): string =>
  Array.from({ length: count }, (_, nth) => `line ${nth}: ${'abc'.repeat(nth % 20)} é\n`).join('');

const packed = (count: number): Promise<Buffer> => bytesOf(pack(lines(count)));

async function faultOf(bytes: Buffer): Promise<string> {
  return bytesOf(unpack(inChunks(bytes))).then(
    () => 'none',
    (error: unknown) => (error as { fault?: string }).fault ?? String(error),
  );
}

/** The same bytes with the digest that they ought to have. */
function resealed(bytes: Buffer, sealBytes: number): Buffer {
  const first = bytes.subarray(0, bytes.length - sealBytes);
  const seal = bytes.subarray(bytes.length - sealBytes);
  return Buffer.concat([first, sealWith(createHash('sha256').update(first).digest('hex'), seal)]);
}

function sealWith(digest: string, like: Buffer): Buffer {
  const line = Buffer.from(`{"sha256":"${digest}"}\n`);
  const seal = Buffer.from(like);
  line.copy(seal, 15);
  seal.writeUInt32LE(crcOf(line), seal.length - 8);
  return seal;
}

function crcOf(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1));
  }
  return ~crc >>> 0;
}

/** Ten bytes of head, five of a stored block, the line, eight of check. */
const SEAL_BYTES = 10 + 5 + `{"sha256":"${'0'.repeat(64)}"}\n`.length + 8;

describe('what a segment is packed in', () => {
  for (const count of [0, 1, 20, 20_000]) {
    it(`gives ${count} lines back, however the bytes come`, async () => {
      const bytes = await packed(count);
      for (const size of count > 1_000 ? [7_777] : [1, 2, 113, 7_777]) {
        assert.equal((await bytesOf(unpack(inChunks(bytes, size)))).toString(), textOf(count));
      }
    });
  }

  it('is gzip to anybody: the lines, and one with the digest of what they are packed in', async () => {
    const bytes = await packed(50);
    const text = gunzipSync(bytes).toString();
    assert.ok(text.startsWith(textOf(50)));
    const digest = createHash('sha256').update(bytes.subarray(0, -SEAL_BYTES)).digest('hex');
    assert.equal(text.slice(textOf(50).length), `{"sha256":"${digest}"}\n`);
  });

  it('has one text for the same lines', async () => {
    assert.deepEqual(await packed(300), await packed(300));
  });

  it('is refused with any one bit changed', async () => {
    const bytes = await packed(12);
    for (let at = 0; at < bytes.length; at += 1) {
      for (let bit = 0; bit < 8; bit += 1) {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ (1 << bit);
        assert.match(await faultOf(changed), /^(form|digest)$/, `byte ${at}, bit ${bit}`);
      }
    }
  });

  it('is refused cut short anywhere, and with anything behind its end', async () => {
    const bytes = await packed(12);
    for (let length = 0; length < bytes.length; length += 1) {
      assert.equal(await faultOf(bytes.subarray(0, length)), 'form', `${length} bytes`);
    }
    const more = [Buffer.of(0), Buffer.from('\n'), bytes.subarray(-SEAL_BYTES), bytes];
    for (const behind of more) assert.match(await faultOf(Buffer.concat([bytes, behind])), /^(form|digest)$/);
  });

  it('is refused in another form, though the digest was made anew', async () => {
    const bytes = await packed(12);
    assert.equal(await faultOf(resealed(bytes, SEAL_BYTES)), 'none');
    const changes: [string, (given: Buffer) => Buffer][] = [
      [
        'a time in the header',
        (given) => Buffer.concat([given.subarray(0, 4), Buffer.of(1), given.subarray(5)]),
      ],
      [
        'a byte behind what is compressed',
        (given) => {
          const end = given.length - SEAL_BYTES - 8;
          return Buffer.concat([given.subarray(0, end), Buffer.of(0), given.subarray(end)]);
        },
      ],
      [
        'another check',
        (given) => {
          const changed = Buffer.from(given);
          const at = given.length - SEAL_BYTES - 8;
          changed[at] = (changed[at] ?? 0) ^ 1;
          return changed;
        },
      ],
    ];
    for (const [name, change] of changes) {
      assert.equal(await faultOf(resealed(change(bytes), SEAL_BYTES)), 'form', name);
    }
  });

  it('tells of what breaks where the lines come from', async () => {
    const broken = async function* (): AsyncGenerator<string> {
      yield* lines(3);
      throw new TypeError('no more');
    };
    await assert.rejects(bytesOf(pack(broken())), TypeError);
  });
});
