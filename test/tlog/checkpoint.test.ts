import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';

import { EvidenceError } from '../../src/errors.ts';
import {
  claimedOrigin,
  cosign,
  cosignaturesOf,
  openCheckpoint,
  signCheckpoint,
} from '../../src/tlog/checkpoint.ts';
import { leafHash } from '../../src/tlog/merkle.ts';
import { formatNote, formatSignatureLine, parseNote } from '../../src/tlog/note.ts';
import { parseVerifierKey } from '../../src/tlog/note-keys.ts';
import { signText } from '../../src/tlog/note-signing.ts';

const log = generateKeyPairSync('ed25519');
const next = generateKeyPairSync('ed25519');
const w1 = generateKeyPairSync('ed25519');
const w2 = generateKeyPairSync('ed25519');
const ORIGIN = 'essex-suffolk.example/log/1';
const KNOWN = { origin: ORIGIN, keys: [log.publicKey] };
const ROOT = leafHash(Buffer.from('root'));
const HEAD = { origin: ORIGIN, size: 20_852_163, root: ROOT };
const AT = 1_795_000_000;

const code =
  (wanted: string) =>
  (error: unknown): boolean =>
    error instanceof EvidenceError && error.code === wanted;

/** A note of any text, with the log's good signature. */
const signed = (text: string, name = ORIGIN): string =>
  formatNote(text, [formatSignatureLine(signText(text, name, log.privateKey))]);
const ROOT64 = ROOT.toString('base64');

describe('a checkpoint', () => {
  it('is three lines and the log’s signature', () => {
    const note = signCheckpoint(HEAD, log.privateKey);
    const text = `${ORIGIN}\n20852163\n${ROOT64}\n`;
    assert.equal(parseNote(note).text, text);
    assert.deepEqual(openCheckpoint(note, KNOWN), { ...HEAD, text, extensions: [] });
    assert.deepEqual(openCheckpoint(Buffer.from(note), KNOWN).root, ROOT);
    assert.deepEqual(openCheckpoint(parseNote(note), KNOWN).size, HEAD.size);
    assert.equal(claimedOrigin(note), ORIGIN);
  });

  it('may have extension lines and any size that is exact', () => {
    for (const size of [0, 1, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
      const extended = { ...HEAD, size, extensions: ['one', 'two  three'] };
      const opened = openCheckpoint(signCheckpoint(extended, log.privateKey), KNOWN);
      assert.equal(opened.size, size);
      assert.deepEqual(opened.extensions, ['one', 'two  three']);
    }
  });

  it('does not open with any bit of any byte changed', () => {
    const bytes = Buffer.from(signCheckpoint({ ...HEAD, extensions: ['more'] }, log.privateKey));
    bytes.forEach((byte, at) => {
      for (let bit = 1; bit < 256; bit *= 2) {
        assert.throws(() => openCheckpoint(bytes.with(at, byte ^ bit), KNOWN), EvidenceError, `${at} ${bit}`);
      }
      assert.throws(() => openCheckpoint(Buffer.from([...bytes].toSpliced(at, 1)), KNOWN), EvidenceError);
    });
  });

  it('opens with any of the log’s keys, as while a key is changed', () => {
    const keys = [log.publicKey, next.publicKey];
    for (const { privateKey } of [log, next]) {
      assert.equal(
        openCheckpoint(signCheckpoint(HEAD, privateKey), { origin: ORIGIN, keys }).size,
        HEAD.size,
      );
    }
  });

  it('is not believed without the log’s own signature', () => {
    const note = signCheckpoint(HEAD, log.privateKey);
    const { text } = parseNote(note);
    const cosigned = formatNote(text, [cosign(text, ORIGIN, log.privateKey, AT)]);
    for (const [of, known] of [
      [note, { origin: ORIGIN, keys: [] }],
      [note, { origin: ORIGIN, keys: [next.publicKey] }],
      [note, { origin: 'other.example', keys: [log.publicKey] }],
      [cosigned, KNOWN],
      [signCheckpoint({ ...HEAD, origin: 'other.example' }, log.privateKey), KNOWN],
    ] as const) {
      assert.throws(() => openCheckpoint(of, known), code('unknown-kid'));
    }
    assert.throws(() => openCheckpoint(note.replace('20852163', '20852164'), KNOWN), code('bad-signature'));
    assert.throws(
      () => openCheckpoint(signed(text.replace(ORIGIN, 'other.example')), KNOWN),
      code('wrong-issuer'),
    );
  });

  for (const [what, text] of [
    ['a size with a leading zero', `${ORIGIN}\n01\n${ROOT64}\n`],
    ['a signed size', `${ORIGIN}\n+1\n${ROOT64}\n`],
    ['a negative size', `${ORIGIN}\n-1\n${ROOT64}\n`],
    ['a size in hexadecimal', `${ORIGIN}\n0x1\n${ROOT64}\n`],
    ['a size with an exponent', `${ORIGIN}\n1e3\n${ROOT64}\n`],
    ['a size with a space', `${ORIGIN}\n 1\n${ROOT64}\n`],
    ['a size in other digits', `${ORIGIN}\n١\n${ROOT64}\n`],
    ['a size that is not exact', `${ORIGIN}\n9007199254740992\n${ROOT64}\n`],
    ['too large a size', `${ORIGIN}\n99999999999999999999\n${ROOT64}\n`],
    ['no size', `${ORIGIN}\n${ROOT64}\n`],
    ['no root', `${ORIGIN}\n1\n`],
    ['an empty root', `${ORIGIN}\n1\n\nmore\n`],
    ['a root of 31 bytes', `${ORIGIN}\n1\n${ROOT.subarray(1).toString('base64')}\n`],
    ['a root of 33 bytes', `${ORIGIN}\n1\n${Buffer.concat([ROOT, ROOT.subarray(31)]).toString('base64')}\n`],
    ['a root in hexadecimal', `${ORIGIN}\n1\n${ROOT.toString('hex')}\n`],
    ['a root in base64url', `${ORIGIN}\n1\n${Buffer.alloc(32, 0xff).toString('base64url')}=\n`],
    ['a root without padding', `${ORIGIN}\n1\n${ROOT64.replace('=', '')}\n`],
    ['no origin', `\n1\n${ROOT64}\n`],
    ['an empty extension line', `${ORIGIN}\n1\n${ROOT64}\n\nmore\n`],
    ['an empty last line', `${ORIGIN}\n1\n${ROOT64}\n\n`],
    ['nothing', '\n'],
  ] as const) {
    it(`may not have ${what}, though it is signed`, () => {
      assert.throws(() => openCheckpoint(signed(text), KNOWN), code('malformed'));
      assert.throws(() => claimedOrigin(signed(text)), code('malformed'));
      assert.throws(() => cosign(text, 'w1.example', w1.privateKey, AT), code('malformed'));
    });
  }

  it('is not signed where it could not be read again', () => {
    for (const wrong of [{ size: -1 }, { size: 1.5 }, { size: 2 ** 53 }, { root: ROOT.subarray(1) }]) {
      assert.throws(() => signCheckpoint({ ...HEAD, ...wrong }, log.privateKey), TypeError);
    }
    for (const origin of ['', 'a b', 'a\nb', 'a+b']) {
      assert.throws(() => signCheckpoint({ ...HEAD, origin }, log.privateKey), TypeError);
    }
    for (const line of ['', 'a\nb', 'a\tb']) {
      assert.throws(() => signCheckpoint({ ...HEAD, extensions: [line] }, log.privateKey), code('malformed'));
    }
    for (const text of [`${ORIGIN}\n1\n${ROOT64}`, `${ORIGIN}\n1\n${ROOT64}\nno newline`]) {
      assert.throws(() => cosign(text, 'w1.example', w1.privateKey, AT), code('malformed'));
    }
  });
});

describe('the cosignatures of a checkpoint', () => {
  const note = signCheckpoint(HEAD, log.privateKey);
  const { text } = parseNote(note);
  const witnesses = [
    { name: 'w1.example', key: w1.publicKey },
    { name: 'w2.example', key: w2.publicKey },
  ];
  const line1 = cosign(text, 'w1.example', w1.privateKey, AT);
  const line2 = cosign(text, 'w2.example', w2.privateKey, AT + 5);

  it('are added to the note as the witnesses answered them', () => {
    const cosigned = note + line2 + line1;
    assert.deepEqual(cosignaturesOf(cosigned, witnesses), [
      { witness: 'w2.example', atSeconds: AT + 5, line: line2 },
      { witness: 'w1.example', atSeconds: AT, line: line1 },
    ]);
    assert.equal(openCheckpoint(cosigned, KNOWN).size, HEAD.size);
    assert.deepEqual(cosignaturesOf(note, witnesses), []);
    assert.deepEqual(cosignaturesOf(cosigned, witnesses.slice(1)).length, 1);
  });

  it('count once for a witness, at its earliest time, however many keys it has', () => {
    const again = cosign(text, 'w1.example', w1.privateKey, AT - 7);
    const rolled = cosign(text, 'w1.example', next.privateKey, AT - 3);
    const keys = [...witnesses, { name: 'w1.example', key: next.publicKey }];
    for (const lines of [line1 + again + rolled + line1, again + line1, rolled + line1 + again]) {
      assert.deepEqual(cosignaturesOf(note + lines, keys), [
        { witness: 'w1.example', atSeconds: AT - 7, line: again },
      ]);
    }
  });

  it('are not believed in another’s name, from a log’s own signature, or over another head', () => {
    const inAnothersName = cosign(text, 'w2.example', w1.privateKey, AT);
    const notTimed = formatSignatureLine(signText(text, 'w1.example', w1.privateKey));
    assert.deepEqual(cosignaturesOf(note + inAnothersName + notTimed, witnesses), []);
    const elsewhere = cosign(text.replace('20852163', '20852164'), 'w1.example', w1.privateKey, AT);
    assert.throws(() => cosignaturesOf(note + line2 + elsewhere, witnesses), code('bad-signature'));
    assert.throws(() => cosignaturesOf(formatNote('no checkpoint\n', [line1]), witnesses), code('malformed'));
  });

  it('fall away or are refused with any byte of their line changed', () => {
    const bytes = Buffer.from(note + line1);
    for (let at = Buffer.byteLength(note); at < bytes.length; at += 1) {
      let found: unknown[] = [];
      try {
        found = cosignaturesOf(bytes.with(at, (bytes[at] ?? 0) ^ 1), witnesses);
      } catch (error) {
        assert.ok(error instanceof EvidenceError);
      }
      assert.deepEqual(found, [], String(at));
    }
  });

  it('of a public witness are read as it made them', () => {
    const { name, publicKey: key } = parseVerifierKey(
      'witness.navigli.sunlight.geomys.org+a3e00fe2+BNy/co4C1Hn1p+INwJrfUlgz7W55dSZReusH/GhUhJ/G',
    );
    const published = `coachandhorses2026h1.staging.certificate.transparency.goog
185550722
YXAM0VmnrfvLaBCOOYSJhCaE5F10oGBOo+hkbDa1kng=

— coachandhorses2026h1.staging.certificate.transparency.goog MpXgsHy8ZwxXnO+WjtVrPxAzL49Rs1gWTkNVNeEa//5peAzaocRCB3qt3EaibjzY5GILLtGgBP7dBhgcSHy+JQh0OAc=
— witness.navigli.sunlight.geomys.org o+AP4gAAAABqb7DzNrGFRJnQ9vrJ8xpnwZytnr/ZYczDIsvwvouiSjwOjn7a72ccxBk+lKnZ7dKqkYKER1s/KxLTaVwQD7lJZTC/CQ==
`;
    const [cosignature] = cosignaturesOf(published, [{ name, key }]);
    assert.equal(cosignature?.atSeconds, 1_785_704_691);
    const changed = published.replace('185550722', '185550723');
    assert.throws(() => cosignaturesOf(changed, [{ name, key }]), code('bad-signature'));
  });
});
