import assert from 'node:assert/strict';

import {
  isCompromise,
  revocationsIn,
  signedWhen,
  type Decided,
  type SignedWhen,
} from '../../src/audit/proof/revocation.ts';
import type { Revocable, RevocationReason } from '../../src/trust/decisions.ts';

const KEY: Revocable = { kind: 'message-key', kid: 'one' };

function decided(decision: number, at: number, revoked?: Decided['revoked'], what = KEY): Decided {
  return {
    decision,
    log: 'region.example/log/1',
    entry: decision,
    at,
    region: 'london',
    what,
    revoked,
    proved: true,
  };
}

const because = (reason: RevocationReason, compromisedSince?: number): Decided['revoked'] => ({
  reason,
  compromisedSince,
});

describe('a signature beside a revocation', () => {
  // Revoked at 50 s; reinstated, where it is, at 70 s.
  const CASES: [seconds: number, because: Decided['revoked'], reinstated: boolean, SignedWhen][] = [
    [19, because('key-compromise', 20_000), false, 'before-compromise'],
    [19, because('key-compromise', 19_999), false, 'since-compromise'],
    [20, because('key-compromise', 20_000), false, 'since-compromise'],
    [60, because('key-compromise', 20_000), false, 'since-compromise'],
    [19, because('key-compromise', 20_000), true, 'before-compromise'],
    [69, because('key-compromise', 20_000), true, 'since-compromise'],
    [70, because('key-compromise', 20_000), true, 'after-reinstatement'],
    [1, because('key-compromise'), false, 'compromise-undated'],
    [1, because('ca-compromise'), false, 'compromise-undated'],
    [60, because('key-compromise'), true, 'compromise-undated'],
    [70, because('key-compromise'), true, 'after-reinstatement'],
    // A date says that it was in another's hands, whatever the reason.
    [19, because('superseded', 20_000), false, 'before-compromise'],
    [20, because('unspecified', 20_000), false, 'since-compromise'],
    // It was in another's hands by then at the latest, whatever date was given.
    [49, because('key-compromise', 90_000), false, 'before-compromise'],
    [50, because('key-compromise', 90_000), false, 'since-compromise'],
    [60, because('superseded', 90_000), false, 'since-compromise'],
    [49, because('superseded'), false, 'before-revocation'],
    [50, because('superseded'), false, 'while-revoked'],
    [60, because('unspecified'), true, 'while-revoked'],
    [70, because('privilege-withdrawn'), true, 'after-reinstatement'],
  ];
  for (const [seconds, revoked, isReinstated, expected] of CASES) {
    const what = `${revoked?.reason} ${revoked?.compromisedSince ?? 'undated'}`;
    it(`of ${seconds} s, ${what}${isReinstated ? ', reinstated' : ''}: ${expected}`, () => {
      const all = [decided(1, 50_000, revoked), ...(isReinstated ? [decided(2, 70_000)] : [])];
      const [revocation = assert.fail()] = revocationsIn(all);
      assert.equal(signedWhen(seconds, revocation), expected);
    });
  }

  it('is of the revocation that it was taken back with, and of no other', () => {
    const other: Revocable = { kind: 'message-key', kid: 'two' };
    const all = [
      decided(1, 10, because('superseded')),
      decided(2, 20, because('key-compromise'), other),
      decided(3, 30),
      decided(4, 40, because('key-compromise')),
    ];
    assert.deepEqual(
      revocationsIn(all).map(({ decision, reinstated }) => [decision, reinstated?.decision]),
      [
        [1, 3],
        [2, undefined],
        [4, undefined],
      ],
    );
    assert.deepEqual(revocationsIn(all).map(isCompromise), [false, true, true]);
  });

  it('is taken back by nothing that is less proved than it is', () => {
    const all = (...proved: [boolean, boolean]): Decided[] => [
      { ...decided(1, 10, because('key-compromise')), proved: proved[0] },
      { ...decided(2, 20), proved: proved[1] },
    ];
    const isTakenBack = (...proved: [boolean, boolean]): boolean[] =>
      revocationsIn(all(...proved)).map(({ reinstated }) => reinstated !== undefined);
    assert.deepEqual([isTakenBack(true, false), isTakenBack(true, true)], [[false], [true]]);
    assert.deepEqual([isTakenBack(false, true), isTakenBack(false, false)], [[true], [true]]);
  });
});
