import assert from 'node:assert/strict';

import { PUBLIC_FORM } from '../../src/errors.ts';
import { locatedClaims } from '../../src/evidence/locate.ts';
import { receiptClaims } from '../../src/evidence/notice.ts';

describe('why a neighbour says that it refused', () => {
  for (const [what, { reason }] of [
    ['where else to look', locatedClaims.shape],
    ['a notice', receiptClaims.shape],
  ] as const) {
    it(`${what}: any code of ours fits`, () => {
      for (const code of Object.keys(PUBLIC_FORM)) assert.equal(reason.parse(code), code);
    });

    it(`${what}: no text fits that could name a patient, or write another line`, () => {
      for (const text of [
        '9990000018',
        'patient-9990000018',
        'no agreement',
        'no-agreement\n',
        'NO',
        '',
        '-',
      ])
        assert.equal(reason.safeParse(text).success, false, text);
      assert.equal(reason.safeParse('x'.repeat(41)).success, false);
    });
  }
});
