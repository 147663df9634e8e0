import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';

import { keyedDigest, Sealer } from '../../src/evidence/seal.ts';

const NOW = Date.parse('2026-11-22T12:00:00Z');
const LATER = NOW + 60_000;
const BINDING = ['page', 'hwe-viewer', '9990000018'];

describe('a sealed page link or cursor', () => {
  const sealer = new Sealer(randomBytes(32));
  const sealed = sealer.seal({ skip: 5 }, BINDING, LATER);

  it('opens for the one it was sealed for, until it expires', () => {
    assert.deepEqual(sealer.open(sealed, BINDING, NOW), { skip: 5 });
    assert.deepEqual(sealer.open(sealed, BINDING, LATER - 1), { skip: 5 });
    assert.equal(sealer.open(sealed, BINDING, LATER), undefined);
  });

  const OTHERS: Record<string, string[]> = {
    'another viewer': ['page', 'london-viewer', '9990000018'],
    'another patient': ['page', 'hwe-viewer', '9990000026'],
    'another use': ['cursor', 'hwe-viewer', '9990000018'],
    'the same words divided differently': ['page', 'hwe-viewer9990000018'],
    'one word less': ['page', 'hwe-viewer'],
    'no binding': [],
  };
  for (const [what, binding] of Object.entries(OTHERS)) {
    it(`does not open for ${what}`, () => assert.equal(sealer.open(sealed, binding, NOW), undefined));
  }

  it('does not open for another broker’s key', () => {
    assert.equal(new Sealer(randomBytes(32)).open(sealed, BINDING, NOW), undefined);
  });

  it('does not open when a single bit was changed, anywhere', () => {
    const bytes = Buffer.from(sealed, 'base64url');
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      assert.equal(sealer.open(changed.toString('base64url'), BINDING, NOW), undefined, `bit ${bit}`);
    }
  });

  it('does not open when it was cut or lengthened, and never throws', () => {
    for (let length = 0; length < sealed.length; length += 1) {
      assert.equal(sealer.open(sealed.slice(0, length), BINDING, NOW), undefined);
    }
    assert.equal(sealer.open(`${sealed}AAAA`, BINDING, NOW), undefined);
    fc.assert(
      fc.property(fc.string(), (text) => {
        assert.equal(sealer.open(text, BINDING, NOW), undefined);
      }),
    );
  });

  it('tells nothing of what it holds, and never looks the same twice', () => {
    const secret = '9990000018';
    const one = sealer.seal(secret, BINDING, LATER);
    assert.ok(!Buffer.from(one, 'base64url').toString('latin1').includes(secret));
    assert.notEqual(one, sealer.seal(secret, BINDING, LATER));
  });

  it('gives any state back as it was', () => {
    fc.assert(
      fc.property(fc.json(), fc.array(fc.string(), { maxLength: 4 }), (text, binding) => {
        const state: unknown = JSON.parse(text);
        assert.deepEqual(sealer.open(sealer.seal(state, binding, LATER), binding, NOW), state);
      }),
    );
  });

  it('is not made with a key of another length', () => {
    for (const length of [0, 16, 31, 33]) assert.throws(() => new Sealer(randomBytes(length)), TypeError);
  });
});

describe('the keyed digest of a patient', () => {
  it('is the same for the same key and number, and differs with either', () => {
    const [key, other] = [randomBytes(32), randomBytes(32)];
    assert.equal(keyedDigest(key, '9990000018'), keyedDigest(key, '9990000018'));
    assert.notEqual(keyedDigest(key, '9990000018'), keyedDigest(key, '9990000026'));
    assert.notEqual(keyedDigest(key, '9990000018'), keyedDigest(other, '9990000018'));
  });
});
