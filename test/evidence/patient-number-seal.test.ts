import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';

import { PatientNumberSeal } from '../../src/evidence/patient-number-seal.ts';

describe('a sealed NHS number', () => {
  const key = randomBytes(32);
  const seal = new PatientNumberSeal(key);
  const number = '9990000018';

  it('opens in its own row, under its own key, alone', () => {
    const sealed = seal.seal(number, 'digest');
    assert.equal(seal.open(sealed, 'digest'), number);
    assert.equal(seal.open(sealed, 'another'), undefined);
    assert.equal(new PatientNumberSeal(randomBytes(32)).open(sealed, 'digest'), undefined);
  });

  it('is never the same twice, and does not show the number', () => {
    const [one, other] = [seal.seal(number, 'digest'), seal.seal(number, 'digest')];
    assert.notDeepEqual(one, other);
    assert.ok(!Buffer.from(one).includes(number));
  });

  it('does not open when a bit is changed, or it is cut', () => {
    const sealed = Buffer.from(seal.seal(number, 'digest'));
    for (let at = 0; at < sealed.length; at += 1) {
      const changed = Buffer.from(sealed);
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
      assert.equal(seal.open(changed, 'digest'), undefined, `byte ${at}`);
    }
    for (const length of [0, 1, 11, 12, 27, sealed.length - 1])
      assert.equal(seal.open(sealed.subarray(0, length), 'digest'), undefined, `${length} bytes`);
  });
});
