import assert from 'node:assert/strict';

import type { Event, Facts } from '../../src/audit/entry.ts';
import { StatisticsOf, type Statistics } from '../../src/audit/questions/stats.ts';
import { found } from './found-entries.ts';

function counted(entries: readonly [Event, Facts, string?][]): Statistics {
  const counting = new StatisticsOf();
  entries.forEach(([event, facts, user], nth) => counting.add(found(nth, event, facts, { user })));
  return counting.result();
}

const told = (ms: number, more: Facts = {}): [Event, Facts] => [
  'response-believed',
  { region: 'london', jti: `j${ms}`, outcome: 'answered', ms, ...more },
];

describe('numbers per neighbour', () => {
  it('counts what we asked by outcome and reason, with users and emergencies', () => {
    const { neighbours } = counted([
      ['query-sent', { region: 'london', jti: 'a' }, 'u1'],
      ['query-sent', { region: 'london', jti: 'b', break_glass: true }, 'u2'],
      ['query-sent', { region: 'essex-suffolk', jti: 'c' }, 'u2'],
      ['response-believed', { region: 'london', jti: 'a', outcome: 'answered', ms: 10 }, 'u1'],
      [
        'response-not-believed',
        { region: 'london', jti: 'b', outcome: 'not-reached', reason: 'not-believed', ms: 30 },
      ],
      [
        'not-reached',
        { region: 'essex-suffolk', jti: 'c', outcome: 'not-reached', reason: 'timeout', ms: 5000 },
      ],
    ]);
    assert.deepEqual(
      neighbours.map(({ region }) => region),
      ['essex-suffolk', 'london'],
    );
    assert.deepEqual(neighbours[1]?.asked, {
      ...{ queries: 2, breakGlass: 1, users: 2, medianMs: 10, p95Ms: 30 },
      outcomes: { answered: 1, 'not-reached': 1 },
      reasons: { 'not-believed': 1 },
    });
    assert.deepEqual(neighbours[0]?.asked.reasons, { timeout: 1 });
  });

  it('counts what was asked of us: refusals by their code, and how much was given', () => {
    const { neighbours } = counted([
      ['query-received', { region: 'london', jti: 'a', break_glass: true }, 'u1'],
      ['query-received', { region: 'london', jti: 'b' }, 'u1'],
      ['query-received', { region: 'london', jti: 'c' }, 'u1'],
      ['query-answered', { region: 'london', jti: 'a', outcome: 'answered', count: 7 }],
      ['query-withheld', { region: 'london', jti: 'b', outcome: 'withheld' }],
      ['query-refused', { region: 'london', jti: 'c', outcome: 'refused', reason: 'role-not-agreed' }],
      ['query-refused', { region: 'london', jti: 'a', outcome: 'refused', reason: 'replayed' }],
    ]);
    assert.deepEqual(neighbours[0]?.answered, {
      ...{ queries: 3, breakGlass: 1, users: 1, resources: 7 },
      outcomes: { answered: 1, withheld: 1, refused: 2 },
      refusals: { 'role-not-agreed': 1, replayed: 1 },
    });
    assert.equal(neighbours[0].asked.medianMs, undefined);
  });

  for (const [count, median, p95] of [
    [1, 1, 1],
    [2, 1, 2],
    [20, 10, 19],
    [100, 50, 95],
  ] as const) {
    it(`takes ${median} and ${p95} as median and 95th percentile of 1 to ${count} ms, in whatever order`, () => {
      const times = Array.from({ length: count }, (_, nth) => told(((nth * 7919) % count) + 1));
      const asked = counted(count === 1 ? [told(1)] : times).neighbours[0]?.asked;
      assert.deepEqual([asked?.medianMs, asked?.p95Ms], [median, p95]);
    });
  }

  it('leaves out of the times what was never sent', () => {
    const asked = counted([told(100), told(0, { jti: undefined })]).neighbours[0]?.asked;
    assert.equal(asked?.medianMs, 100);
  });

  it('adds up what was refused before identity was proved', () => {
    const { unproved } = counted([
      ['refusals-counted', { reason: 'no-certificate', count: 3 }],
      ['refusals-counted', { reason: 'no-certificate', count: 4 }],
    ]);
    assert.deepEqual(unproved, { 'no-certificate': 7 });
  });
});

describe('numbers per user', () => {
  it('counts looks, emergencies and refusals of our own users, the busiest first', () => {
    const { users } = counted([
      ['route-planned', {}, 'u1'],
      ['route-planned', {}, 'u2'],
      ['route-planned', { break_glass: true }, 'u2'],
      ['viewer-refused', { outcome: 'refused' }, 'u2'],
      ['query-sent', { region: 'london' }, 'u1'],
      ['query-received', { region: 'london' }, 'theirs'],
      ['released-to-viewer', {}, 'u1'],
    ]);
    assert.deepEqual(
      users.map(({ user, looks, breakGlass, refused }) => [user, looks, breakGlass, refused]),
      [
        ['u2', 2, 1, 1],
        ['u1', 1, 0, 0],
      ],
    );
  });
});
