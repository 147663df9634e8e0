import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';

import { EvidenceError } from '../../src/errors.ts';
import {
  formatAddCheckpoint,
  formatKnownSize,
  LARGEST_REQUEST_BYTES,
  parseAddCheckpoint,
  parseKnownSize,
} from '../../src/tlog/add-checkpoint.ts';
import { signCheckpoint } from '../../src/tlog/checkpoint.ts';
import { contradicts, judgeCheckpoint } from '../../src/tlog/judge-checkpoint.ts';
import { emptyRoot, leafHash } from '../../src/tlog/merkle.ts';
import { naiveProof, naiveRoot, numbered } from './naive-tree.ts';

const { privateKey } = generateKeyPairSync('ed25519');
const LEAVES = numbered(20);
const head = (size: number): { size: number; root: Buffer } => ({
  size,
  root: naiveRoot(LEAVES.slice(0, size)),
});
const ORIGIN = 'london.example/log/1';
const NOTE = signCheckpoint({ origin: ORIGIN, ...head(8) }, privateKey);
const PROOF = naiveProof(3, LEAVES.slice(0, 8));
const LINE = `${LEAVES[0]?.toString('base64') ?? ''}\n`;

const malformed = (error: unknown): boolean => error instanceof EvidenceError && error.code === 'malformed';

describe('an add-checkpoint request', () => {
  it('is read as it was written', () => {
    for (const [oldSize, proof] of [
      [3, PROOF],
      [0, []],
      [Number.MAX_SAFE_INTEGER, Array.from({ length: 63 }, () => PROOF[0] ?? Buffer.of())],
    ] as const) {
      const body = formatAddCheckpoint({ oldSize, proof, checkpoint: NOTE });
      const read = { oldSize, proof: [...proof], checkpoint: NOTE, origin: ORIGIN };
      assert.deepEqual(parseAddCheckpoint(body), read);
      assert.deepEqual(parseAddCheckpoint(Buffer.from(body)), read);
    }
  });

  it('is written line by line', () => {
    const body = formatAddCheckpoint({ oldSize: 3, proof: LEAVES.slice(0, 1), checkpoint: NOTE });
    assert.equal(body, `old 3\n${LINE}\n${NOTE}`);
    assert.equal(formatAddCheckpoint({ oldSize: 0, proof: [], checkpoint: NOTE }), `old 0\n\n${NOTE}`);
  });

  for (const [what, body] of [
    ['nothing', ''],
    ['only a blank line', '\n\n'],
    ['no old line', `\n${NOTE}`],
    ['only a checkpoint', NOTE],
    ['no blank line before the checkpoint', `old 3\n${LINE}${NOTE}`],
    ['no checkpoint', `old 3\n${LINE}\n`],
    ['a blank line too many', `old 3\n${LINE}\n\n${NOTE}`],
    ['a blank line in the proof', `old 3\n\n${LINE}\n${NOTE}`],
    ['another word', `size 3\n\n${NOTE}`],
    ['another word as long', `new 3\n\n${NOTE}`],
    ['no space', `old3\n\n${NOTE}`],
    ['two spaces', `old  3\n\n${NOTE}`],
    ['a space after the size', `old 3 \n\n${NOTE}`],
    ['no size', `old \n\n${NOTE}`],
    ['a leading zero', `old 03\n\n${NOTE}`],
    ['two zeros', `old 00\n\n${NOTE}`],
    ['a negative size', `old -3\n\n${NOTE}`],
    ['a size that is not exact', `old 9007199254740993\n\n${NOTE}`],
    ['64 proof lines', `old 3\n${LINE.repeat(64)}\n${NOTE}`],
    ['a proof line of 31 bytes', `old 3\n${PROOF[0]?.subarray(1).toString('base64') ?? ''}\n\n${NOTE}`],
    ['a proof line that is not base64', `old 3\n${'!'.repeat(44)}\n\n${NOTE}`],
    ['a proof line with bits over', `old 3\n${'A'.repeat(42)}B=\n\n${NOTE}`],
    ['carriage returns', `old 3\r\n\r\n${NOTE}`],
    ['a space before a proof line', `old 3\n ${LINE}\n${NOTE}`],
    ['a note that is no checkpoint', `old 3\n\n${NOTE.replace('\n8\n', '\neight\n')}`],
    ['a note without a signature', `old 3\n\n${NOTE.slice(0, NOTE.indexOf('—'))}`],
    ['bytes that are not UTF-8', Buffer.concat([Buffer.from(`old 3\n\n${NOTE}`), Buffer.of(0xff, 0x0a)])],
    ['too many bytes', Buffer.from(`old 3\n\n${NOTE}`.padEnd(LARGEST_REQUEST_BYTES + 1, 'x'))],
  ] as const) {
    it(`may not have ${what}`, () => {
      assert.throws(() => parseAddCheckpoint(body), malformed);
    });
  }

  it('is not written with what could not be read', () => {
    for (const wrong of [
      { oldSize: -1 },
      { oldSize: 0.5 },
      { proof: Array.from({ length: 64 }, () => emptyRoot()) },
      { proof: [emptyRoot().subarray(1)] },
    ]) {
      const request = { oldSize: 3, proof: [], checkpoint: NOTE, ...wrong };
      assert.throws(() => formatAddCheckpoint(request), TypeError);
    }
  });

  it('is answered with the known size where that is another', () => {
    for (const size of [0, 7, Number.MAX_SAFE_INTEGER])
      assert.equal(parseKnownSize(formatKnownSize(size)), size);
    assert.equal(formatKnownSize(7), '7\n');
    for (const body of ['', '\n', '7', '07\n', '7\n\n', ' 7\n', '7\r\n', 'x\n']) {
      assert.throws(() => parseKnownSize(body), malformed);
    }
    assert.throws(() => formatKnownSize(-1), TypeError);
  });
});

const OTHER = leafHash(Buffer.from('another past'));
const proofFrom = (old: number, size: number): Buffer[] => naiveProof(old, LEAVES.slice(0, size));
const JUNK = [OTHER];

describe('a witness’s judgement, in the order of tlog-witness', () => {
  for (const [what, known, oldSize, proof, opened, answer, fork] of [
    ['accepts the first checkpoint', undefined, 0, [], head(5), 'accept', false],
    ['accepts an empty log', undefined, 0, [], head(0), 'accept', false],
    ['accepts the first entries of a log that was empty', head(0), 0, [], head(5), 'accept', false],
    ['accepts a checkpoint that goes on', head(3), 3, proofFrom(3, 8), head(8), 'accept', false],
    ['accepts one that it knows', head(8), 8, [], head(8), 'accept', false],

    ['refuses an old size beyond the checkpoint’s', head(8), 8, [], head(5), 'bad-size', false],
    ['refuses it before it looks at what is known', head(3), 9, [], head(8), 'bad-size', false],
    ['refuses it of an unknown log', undefined, 1, [], head(0), 'bad-size', false],
    ['sees a fork there too', head(8), 9, [], { size: 8, root: OTHER }, 'bad-size', true],

    ['is asked from an older one', head(5), 3, proofFrom(3, 8), head(8), 'conflict', false],
    ['is asked from a newer one', head(3), 5, proofFrom(5, 8), head(8), 'conflict', false],
    ['is asked from none', head(3), 0, [], head(8), 'conflict', false],
    ['is asked from some where none is known', undefined, 3, proofFrom(3, 8), head(8), 'conflict', false],
    ['is shown an older one again', head(8), 3, proofFrom(3, 5), head(5), 'conflict', false],
    ['says so before it looks at the proof', head(5), 3, JUNK, head(8), 'conflict', false],
    ['sees a fork beside a wrong old size', head(8), 3, JUNK, { size: 8, root: OTHER }, 'conflict', true],
    ['sees an impossible empty tree beside it', head(8), 0, [], { size: 0, root: OTHER }, 'conflict', true],

    [
      'refuses an empty tree with another root',
      undefined,
      0,
      [],
      { size: 0, root: OTHER },
      'bad-proof',
      true,
    ],
    ['refuses it where the empty tree is known', head(0), 0, [], { size: 0, root: OTHER }, 'bad-proof', true],
    ['refuses a proof from the empty tree', undefined, 0, JUNK, head(8), 'bad-proof', false],
    ['refuses a proof between empty trees', head(0), 0, JUNK, head(0), 'bad-proof', false],
    ['refuses a proof that does not verify', head(3), 3, JUNK, head(8), 'bad-proof', false],
    ['refuses no proof', head(3), 3, [], head(8), 'bad-proof', false],
    [
      'refuses the proof of a rewritten past',
      head(3),
      3,
      proofFrom(3, 8),
      { size: 8, root: OTHER },
      'bad-proof',
      false,
    ],
    ['refuses the same size with another root', head(8), 8, [], { size: 8, root: OTHER }, 'bad-proof', true],
    ['refuses the same size with a proof', head(8), 8, JUNK, head(8), 'bad-proof', false],
    ['sees a fork whatever the proof', head(8), 8, JUNK, { size: 8, root: OTHER }, 'bad-proof', true],
  ] as const) {
    it(what, () => {
      const status = { accept: 200, 'bad-size': 400, conflict: 409, 'bad-proof': 422 }[answer];
      const knownSize = answer === 'conflict' ? { knownSize: known?.size ?? 0 } : {};
      assert.deepEqual(judgeCheckpoint(known, { oldSize, proof }, opened), {
        answer,
        status,
        fork,
        ...knownSize,
      });
    });
  }

  it('holds heads as bytes of any kind against each other', () => {
    const stored = { size: 8, root: new Uint8Array(head(8).root) };
    assert.equal(contradicts(stored, head(8)), false);
    assert.equal(contradicts(head(8), { ...stored, root: new Uint8Array(OTHER) }), true);
    assert.equal(contradicts(stored, head(9)), false);
    assert.equal(contradicts(stored, head(7)), false);
    assert.equal(judgeCheckpoint(stored, { oldSize: 8, proof: [] }, head(8)).answer, 'accept');
  });
});
