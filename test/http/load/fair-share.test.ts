import assert from 'node:assert/strict';
import fc from 'fast-check';

import { FairShare, type Entry, type Side } from '../../../src/http/load/fair-share.ts';

/** A share whose callers are looked at from outside. */
class Watched {
  readonly share: FairShare;
  readonly in: string[] = [];
  readonly refused: string[] = [];
  limit: number;

  constructor(limit: number, mostWaiting = 100, longestWaitMs = 500) {
    this.limit = limit;
    this.share = new FairShare({ limit: () => this.limit, mostWaiting, longestWaitMs });
  }

  come(caller: string, now = 0, patienceMs = 10_000, side: Side = 'viewers'): Entry {
    const entry: Entry = {
      ...{ side, caller, patienceMs },
      onLetIn: () => void this.in.push(caller),
      onRefused: () => void this.refused.push(caller),
    };
    this.share.enter(entry, now);
    return entry;
  }

  many(caller: string, times: number, side: Side = 'viewers'): void {
    for (let count = 0; count < times; count += 1) this.come(caller, 0, 10_000, side);
  }
}

const countOf = (names: readonly string[], name: string): number =>
  names.filter((one) => one === name).length;

describe('the share of each caller', () => {
  it('is everything for who is alone', () => {
    const at = new Watched(10);
    at.many('a', 10);
    assert.deepEqual([at.in.length, at.refused.length, at.share.waiting], [10, 0, 0]);
  });

  it('gives the next place to the waiting caller that has the least, and ends nothing for it', () => {
    const at = new Watched(4);
    at.many('flood', 20);
    at.come('small');
    assert.equal(countOf(at.in, 'small'), 0);
    at.share.leave('viewers', 'flood', 1);
    assert.deepEqual(at.in, ['flood', 'flood', 'flood', 'flood', 'small']);
    assert.deepEqual(at.refused, []);
  });

  it('comes to be equal where all want more', () => {
    const at = new Watched(9);
    at.many('a', 30);
    at.many('b', 30);
    at.many('c', 30);
    const has = { a: 9, b: 0, c: 0 } as Record<string, number>;
    for (let count = 0; count < 9; count += 1) {
      const most = Object.keys(has).toSorted((one, other) => (has[other] ?? 0) - (has[one] ?? 0))[0] ?? '';
      const before = at.in.length;
      at.share.leave('viewers', most, 1);
      has[most] = (has[most] ?? 0) - 1;
      const [came = ''] = at.in.slice(before);
      has[came] = (has[came] ?? 0) + 1;
    }
    assert.deepEqual(has, { a: 3, b: 3, c: 3 });
  });

  it('refuses who has the most first when nobody more can wait', () => {
    const at = new Watched(2, 3);
    at.many('flood', 5);
    assert.equal(at.share.waiting, 3);
    at.come('flood');
    assert.deepEqual(at.refused, ['flood']);
    at.come('small');
    assert.deepEqual(at.refused, ['flood', 'flood']);
    at.share.leave('viewers', 'flood', 1);
    assert.equal(countOf(at.in, 'small'), 1);
  });

  it('keeps a part for each side, also where the other has taken all', () => {
    for (const [full, other] of [
      ['viewers', 'neighbours'],
      ['neighbours', 'viewers'],
    ] as const) {
      const at = new Watched(8);
      at.many('flood', 50, full);
      assert.equal(at.share.underWay(full), 8);
      at.many('small', 5, other);
      assert.deepEqual([at.share.underWay(other), at.share.underWay(full)], [2, 8]);
    }
  });

  it('lets nobody wait beyond its own patience, nor beyond the longest wait', () => {
    const at = new Watched(1, 100, 500);
    at.come('a', 0);
    at.come('short', 0, 30);
    at.come('long', 0, 10_000);
    at.share.fill(29);
    assert.deepEqual(at.refused, []);
    at.share.fill(30);
    assert.deepEqual(at.refused, ['short']);
    at.share.fill(500);
    assert.deepEqual(at.refused, ['short', 'long']);
    assert.equal(at.share.waiting, 0);
  });

  it('keeps the queue of a caller short that does not empty, and not that of another', () => {
    const at = new Watched(1, 100, 500);
    at.come('busy', 0);
    for (let now = 0; now <= 600; now += 100) at.come('flood', now);
    at.share.fill(599);
    assert.equal(at.share.waiting, 6, 'those of the last 500 ms');
    at.come('flood', 601);
    at.come('small', 601);
    at.share.fill(652);
    assert.equal(
      countOf(at.refused, 'flood'),
      4,
      'two that waited 500 ms, and the two newest, which waited 50',
    );
    assert.equal(countOf(at.refused, 'small'), 0);
  });

  it('stays short for a caller of whom some were refused lately, and is long again after a quiet while', () => {
    const at = new Watched(1, 100, 500);
    at.come('busy', 0);
    at.come('flood', 0);
    at.share.fill(500);
    at.come('flood', 1_499);
    at.share.fill(1_549);
    assert.equal(countOf(at.refused, 'flood'), 2);
    at.come('flood', 2_549);
    at.share.fill(3_048);
    assert.equal(at.share.waiting, 1);
  });

  it('forgets who went away, and lets the next in', () => {
    const at = new Watched(1);
    at.come('a');
    const gone = at.come('gone');
    at.come('next');
    at.share.withdraw(gone);
    at.share.withdraw(gone);
    at.share.leave('viewers', 'a', 1);
    assert.deepEqual([at.in, at.refused], [['a', 'next'], []]);
    assert.throws(() => at.share.leave('viewers', 'a', 1), TypeError);
  });

  it('lets in when the limit grows, and refuses all who wait when it is told to', () => {
    const at = new Watched(1);
    at.many('a', 4);
    at.limit = 2;
    at.share.fill(1);
    assert.equal(at.in.length, 2);
    at.share.refuseWaiting();
    assert.deepEqual([at.refused.length, at.share.waiting], [2, 0]);
  });

  it('loses nobody: each is let in or refused once, or waits, whatever comes', () => {
    const step = fc.oneof(
      fc.record({
        kind: fc.constant('come' as const),
        caller: fc.constantFrom('a', 'b', 'c'),
        side: fc.constantFrom<Side>('viewers', 'neighbours'),
      }),
      fc.record({ kind: fc.constant('leave' as const), nth: fc.nat(50) }),
      fc.record({ kind: fc.constant('limit' as const), limit: fc.integer({ min: 1, max: 12 }) }),
      fc.record({ kind: fc.constant('later' as const), ms: fc.nat(400) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        let [now, limit, came, refused] = [0, 4, 0, 0];
        const inside: { side: Side; caller: string }[] = [];
        const share = new FairShare({ limit: () => limit, mostWaiting: 5, longestWaitMs: 300 });
        for (const one of steps) {
          if (one.kind === 'come') {
            const { side, caller } = one;
            came += 1;
            const onLetIn = (): void => void inside.push({ side, caller });
            share.enter(
              { side, caller, patienceMs: 200, onLetIn, onRefused: () => void (refused += 1) },
              now,
            );
          } else if (one.kind === 'leave' && inside.length > 0) {
            const [left] = inside.splice(one.nth % inside.length, 1);
            if (left !== undefined) {
              came -= 1;
              share.leave(left.side, left.caller, now);
            }
          } else if (one.kind === 'limit') limit = one.limit;
          else if (one.kind === 'later') share.fill((now += one.ms));
          assert.equal(share.underWay(), inside.length);
          assert.equal(came, inside.length + refused + share.waiting);
          assert.ok(share.waiting <= 5);
        }
        share.fill(now);
        const room = (side: Side): boolean =>
          inside.length < limit || share.underWay(side) < Math.max(1, Math.floor(limit / 4));
        if (room('viewers') && room('neighbours')) assert.equal(share.waiting, 0);
      }),
    );
  });
});
