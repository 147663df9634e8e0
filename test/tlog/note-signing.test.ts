import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';

import { EvidenceError } from '../../src/errors.ts';
import { formatNote, formatSignatureLine, parseNote } from '../../src/tlog/note.ts';
import {
  formatVerifierKey,
  keyId,
  parseVerifierKey,
  SIGNATURE_TYPE,
  verifierKey,
} from '../../src/tlog/note-keys.ts';
import { cosignText, signText, verifiedSignatures } from '../../src/tlog/note-signing.ts';

/** The example of golang.org/x/mod/sumdb/note, with its private key. */
const GO = {
  vkey: 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW',
  seed: 'AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz',
  text: "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n",
  line: '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n',
};
/** The example of C2SP signed-note. */
const C2SP = {
  vkey: 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k',
  note: 'This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n',
};

const code =
  (wanted: string) =>
  (error: unknown): boolean =>
    error instanceof EvidenceError && error.code === wanted;

/** An Ed25519 private key from its 32-byte seed, as PKCS #8 (RFC 8410). */
function privateKeyOf(seed: Buffer): KeyObject {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}

describe('a signed note: the published examples', () => {
  for (const [whose, vkey, note] of [
    ['sumdb/note', GO.vkey, `${GO.text}\n${GO.line}`],
    ['C2SP signed-note', C2SP.vkey, C2SP.note],
  ] as const) {
    it(`of ${whose} verifies, and with no byte changed`, () => {
      const key = parseVerifierKey(vkey);
      assert.equal(formatVerifierKey(key), vkey);
      const bytes = Buffer.from(note);
      assert.equal(verifiedSignatures(parseNote(bytes), [key]).length, 1);
      bytes.forEach((byte, at) => {
        for (const bit of [1, 2, 4, 32])
          assert.equal(holds(bytes.with(at, byte ^ bit), vkey), false, `${at} ${bit}`);
      });
    });
  }

  it('is signed here as there', () => {
    const privateKey = privateKeyOf(Buffer.from(GO.seed, 'base64').subarray(1));
    assert.equal(formatSignatureLine(signText(GO.text, 'PeterNeumann', privateKey)), GO.line);
    const key = verifierKey('PeterNeumann', SIGNATURE_TYPE.ed25519, createPublicKey(privateKey));
    assert.equal(formatVerifierKey(key), GO.vkey);
    assert.equal(key.id, 0xc74f20a3);
    assert.equal(formatNote(GO.text, [GO.line]), `${GO.text}\n${GO.line}`);
  });
});

function holds(note: Uint8Array, vkey: string): boolean {
  try {
    return verifiedSignatures(parseNote(note), [parseVerifierKey(vkey)]).length > 0;
  } catch (error) {
    assert.ok(error instanceof EvidenceError);
    return false;
  }
}

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const other = generateKeyPairSync('ed25519');
const TEXT = 'one\ntwo\n';
const LINE = formatSignatureLine(signText(TEXT, 'a.example/log', privateKey));

describe('the signatures of a note', () => {
  const key = verifierKey('a.example/log', SIGNATURE_TYPE.ed25519, publicKey);
  const note = parseNote(formatNote(TEXT, [LINE]));
  const [signature] = note.signatures;
  assert.ok(signature);

  it('by keys that are not known are passed over, though a name or an id is', () => {
    const strangers = [
      verifierKey('b.example/log', SIGNATURE_TYPE.ed25519, publicKey),
      verifierKey('a.example/log', SIGNATURE_TYPE.ed25519, other.publicKey),
      verifierKey('a.example/log', SIGNATURE_TYPE.cosignature, publicKey),
    ];
    assert.deepEqual(verifiedSignatures(note, strangers), []);
    assert.equal(verifiedSignatures(note, [...strangers, key]).length, 1);
    const mixed = {
      ...note,
      signatures: [{ ...signature, name: 'x' }, { ...signature, keyId: signature.keyId ^ 1 }, signature],
    };
    assert.deepEqual(verifiedSignatures(mixed, [key]), [{ key, signature, atSeconds: undefined }]);
  });

  it('by a known key spoil the note where one does not verify, though another does', () => {
    const forged = { ...signature, signature: signature.signature.with(5, 0) };
    const cut = { ...signature, signature: signature.signature.subarray(0, 63) };
    for (const bad of [forged, cut] as const) {
      const spoilt = { ...note, signatures: [signature, { ...bad, signature: Buffer.from(bad.signature) }] };
      assert.throws(() => verifiedSignatures(spoilt, [key]), code('bad-signature'));
    }
    assert.throws(() => verifiedSignatures({ ...note, text: 'one\n' }, [key]), code('bad-signature'));
  });

  it('need a name that a key may have, and an Ed25519 key', () => {
    const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    for (const name of ['', 'a b', 'a+b', 'a\nb', 'a\u2003b', 'a\u0001', '\ud800']) {
      assert.throws(() => signText(TEXT, name, privateKey), TypeError);
      assert.throws(() => keyId(name, SIGNATURE_TYPE.ed25519, publicKey), TypeError);
    }
    assert.throws(() => signText(TEXT, 'a', publicKey), TypeError);
    assert.throws(() => signText(TEXT, 'a', p256.privateKey), TypeError);
    assert.throws(() => keyId('a', SIGNATURE_TYPE.ed25519, privateKey), TypeError);
    assert.throws(() => keyId('a', SIGNATURE_TYPE.ed25519, p256.publicKey), TypeError);
  });
});

describe('a timestamped cosignature', () => {
  const key = verifierKey('w.example', SIGNATURE_TYPE.cosignature, publicKey);
  const at = 1_790_000_000;
  const signature = cosignText(TEXT, 'w.example', privateKey, at);

  it('says when, in 8 bytes before the signature', () => {
    assert.equal(signature.signature.length, 72);
    assert.equal(signature.signature.readBigUInt64BE(), BigInt(at));
    const [verified] = verifiedSignatures({ text: TEXT, signatures: [signature] }, [key]);
    assert.equal(verified?.atSeconds, at);
  });

  it('holds for no other time, text or kind of key', () => {
    const later = Buffer.from(signature.signature);
    later.writeBigUInt64BE(BigInt(at + 1));
    const refused = (text: string, bytes: Buffer): void => {
      const note = { text, signatures: [{ ...signature, signature: bytes }] };
      assert.throws(() => verifiedSignatures(note, [key]), code('bad-signature'));
    };
    refused(TEXT, later);
    refused('one\n', signature.signature);
    for (const length of [1, 8, 64, 71]) refused(TEXT, signature.signature.subarray(0, length));
    const plain = { ...signText(TEXT, 'w.example', privateKey), keyId: key.id };
    refused(TEXT, plain.signature);
    const asLog = verifierKey('w.example', SIGNATURE_TYPE.ed25519, publicKey);
    assert.deepEqual(verifiedSignatures({ text: TEXT, signatures: [signature] }, [asLog]), []);
  });

  it('has a time', () => {
    for (const seconds of [0, -1, 1.5, NaN, 2 ** 53]) {
      assert.throws(() => cosignText(TEXT, 'w.example', privateKey, seconds), TypeError);
    }
  });

  for (const seconds of [0n, 2n ** 53n, 2n ** 63n]) {
    it(`is refused at ${String(seconds)}, though signed`, () => {
      const message = `cosignature/v1\ntime ${String(seconds)}\n${TEXT}`;
      const time = Buffer.alloc(8);
      time.writeBigUInt64BE(seconds);
      const bytes = Buffer.concat([time, signText(message, 'w.example', privateKey).signature]);
      const note = { text: TEXT, signatures: [{ ...signature, signature: bytes }] };
      assert.throws(() => verifiedSignatures(note, [key]), code('bad-signature'));
    });
  }
});

describe('a verifier key’s text', () => {
  it('is refused in each part of it, and with any letter changed', () => {
    for (let from = 0; from < GO.vkey.length; from += 1) {
      for (let to = from; to <= GO.vkey.length; to += 1) {
        if (from === 0 && to === GO.vkey.length) continue;
        assert.throws(() => parseVerifierKey(GO.vkey.slice(from, to)), EvidenceError);
      }
      const letter = String.fromCharCode(GO.vkey.charCodeAt(from) ^ 1);
      const changed = GO.vkey.slice(0, from) + letter + GO.vkey.slice(from + 1);
      assert.throws(() => parseVerifierKey(changed), EvidenceError, changed);
    }
  });

  for (const [what, vkey, wanted] of [
    [
      'too long a key',
      'PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==',
      'malformed',
    ],
    [
      'an unknown algorithm',
      'PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW',
      'alg-refused',
    ],
    ['a key id in capitals', GO.vkey.replace('c74f20a3', 'C74F20A3'), 'malformed'],
    ['a space in the name', GO.vkey.replace('r', ' '), 'malformed'],
    ['a newline after it', `${GO.vkey}\n`, 'malformed'],
  ] as const) {
    it(`may not have ${what}`, () => {
      assert.throws(() => parseVerifierKey(vkey), code(wanted));
    });
  }

  it('keeps the kinds of key apart', () => {
    const [one, two] = [SIGNATURE_TYPE.ed25519, SIGNATURE_TYPE.cosignature].map((type) =>
      verifierKey('a.example', type, publicKey),
    );
    assert.ok(one && two);
    assert.notEqual(one.id, two.id);
    assert.equal(parseVerifierKey(formatVerifierKey(two)).type, SIGNATURE_TYPE.cosignature);
    assert.equal(parseVerifierKey(formatVerifierKey(two)).id, two.id);
  });
});
