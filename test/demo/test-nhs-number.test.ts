import assert from 'node:assert/strict';
import { nextTestNhsNumber, testNhsNumbers } from '../../src/demo/test-nhs-number.ts';
import { isNhsNumber } from '../../src/fhir/nhs-number.ts';

describe('test NHS numbers', () => {
  it('are the valid ones in order, with none left out', () => {
    assert.deepEqual(testNhsNumbers('9990000000', 7), [
      '9990000018',
      '9990000026',
      '9990000034',
      '9990000042',
      '9990000050',
      '9990000069',
      '9990000077',
    ]);
    const all = testNhsNumbers('9990001000', 200);
    const last = Number(all.at(-1));
    const valid: string[] = [];
    for (let number = 9_990_001_000; number <= last; number++) {
      if (isNhsNumber(String(number))) valid.push(String(number));
    }
    assert.deepEqual(all, valid);
  });

  it('stay within the range that is never issued', () => {
    assert.throws(() => nextTestNhsNumber('9000000009'), RangeError);
    assert.throws(() => nextTestNhsNumber('9999999999999'), RangeError);
    assert.equal(isNhsNumber(nextTestNhsNumber('9999999980')), true);
  });
});
