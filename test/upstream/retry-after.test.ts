import assert from 'node:assert/strict';

import { retryAfterMs } from '../../src/upstream/retry-after.ts';

const NOW = Date.parse('1994-11-06T08:49:07Z');

describe('how long a service asks to be left alone', () => {
  it('is said in seconds, or in each form of date that HTTP has', () => {
    for (const text of [
      '30',
      ' 30 ',
      'Sun, 06 Nov 1994 08:49:37 GMT',
      'Sunday, 06-Nov-94 08:49:37 GMT',
      'Sun Nov  6 08:49:37 1994',
    ]) {
      assert.equal(retryAfterMs(text, NOW), 30_000, text);
    }
  });

  it('is nothing when it is over', () => {
    assert.equal(retryAfterMs('0', NOW), 0);
    assert.equal(retryAfterMs('Sun, 06 Nov 1994 08:49:01 GMT', NOW), 0);
  });

  it('is not said by anything else', () => {
    for (const text of [
      ...['', ' ', '-1', '1.5', '1e3', '0x10', '30s', '99999999999', 'soon', 'banana 5', 'NaN'],
      ...['1994-11-06T08:49:37Z', '06 Nov 1994', 'Sun, 06 Nov 1994 08:49:37 +0100'],
      'Sun, 99 Nov 1994 08:49:37 GMT',
    ]) {
      assert.equal(retryAfterMs(text, NOW), undefined, text);
    }
    assert.equal(retryAfterMs(undefined, NOW), undefined);
  });
});
