import assert from 'node:assert/strict';

import { lookOf, Unusual, type Finding, type UnusualRules } from '../../src/audit/questions/unusual.ts';
import type { Look } from '../../src/audit/questions/windows.ts';
import { found } from './found-entries.ts';

const MINUTE = 60_000;
/** A Monday in winter, when England keeps UTC. */
const NOON = Date.parse('2026-11-23T12:00:00Z');

function look(at: number, more: Partial<Look> = {}): Look {
  return { at, entry: `log:${at}`, user: 'u', patient: 'p', role: 'R8009', breakGlass: false, ...more };
}

function findings(rules: UnusualRules, looks: readonly Look[]): Finding[] {
  const unusual = new Unusual(rules);
  for (const one of looks.toSorted((first, second) => second.at - first.at)) unusual.add(one);
  return unusual.end();
}

/** As many looks, `every` milliseconds apart, each at another patient. */
function round(count: number, every: number, start = NOON, more: Partial<Look> = {}): Look[] {
  return Array.from({ length: count }, (_, nth) =>
    look(start + nth * every, { patient: `p${nth}`, ...more }),
  );
}

describe('unusual access: many patients by one user', () => {
  const rules = { many_patients: { per: 'hour', more_than: 3 } } as const;
  const TABLE: [string, Look[], number][] = [
    ['as many as allowed', round(3, MINUTE), 0],
    ['one more', round(4, MINUTE), 1],
    ['one more, and the fourth just within the hour', round(4, 20 * MINUTE - 1), 1],
    ['one more, and the fourth an hour after the first', round(4, 20 * MINUTE), 0],
    ['the same patient many times', round(20, MINUTE).map((one) => ({ ...one, patient: 'p' })), 0],
    ['four users, one patient each', round(4, MINUTE).map((one, nth) => ({ ...one, user: `u${nth}` })), 0],
    ['two users with too many each', [...round(4, MINUTE), ...round(4, MINUTE, NOON + 1, { user: 'v' })], 2],
    ['twice, hours apart', [...round(4, MINUTE), ...round(4, MINUTE, NOON + 300 * MINUTE)], 2],
    ['looks that name nobody', round(9, MINUTE).map(({ user: _user, ...one }) => one), 0],
  ];
  for (const [name, looks, count] of TABLE) {
    it(`${name}: ${count}`, () => assert.equal(findings(rules, looks).length, count));
  }

  it('is one finding from the first look to the last, with the most in one hour and every entry, oldest first', () => {
    const looks = round(10, 10 * MINUTE);
    const [finding, ...others] = findings(rules, looks);
    assert.deepEqual(others, []);
    assert.deepEqual(finding, {
      ...{ rule: 'many_patients', user: 'u', role: 'R8009', organisation: undefined, region: undefined },
      ...{ from: NOON, to: NOON + 90 * MINUTE, looks: 10, distinct: 6 },
      entries: looks.map(({ entry }) => entry),
    });
  });

  it('lists the newest thousand entries of a flood, and counts them all, in a bounded time', () => {
    const [finding] = findings({ many_patients: { per: 'day', more_than: 30 } }, round(50_000, 1000));
    assert.equal(finding?.looks, 50_000);
    assert.equal(finding.entries.length, 1_000);
    assert.equal(finding.entries.at(-1), `log:${NOON + 49_999_000}`);
  });
});

describe('unusual access: one patient by many users', () => {
  const rules = { same_patient_many_users: { per: 'day', more_than: 2 } } as const;
  const by = (...users: string[]): Look[] => users.map((user, nth) => look(NOON + nth * MINUTE, { user }));
  it('finds more users than that, and no one user who looks often', () => {
    assert.deepEqual(findings(rules, by('a', 'b', 'a', 'b')), []);
    const [finding] = findings(rules, by('a', 'b', 'c'));
    assert.deepEqual([finding?.patient, finding?.distinct, finding?.user], ['p', 3, undefined]);
  });
});

describe('unusual access: out of hours', () => {
  const hours = { from: '20:00', until: '07:00', days: ['sunday'], roles: ['R8009'] };
  const TABLE: [string, Partial<Look>, boolean][] = [
    ['2026-11-23T12:00:00Z', {}, false],
    ['2026-11-23T19:59:59Z', {}, false],
    ['2026-11-23T20:00:00Z', {}, true],
    ['2026-11-24T06:59:59Z', {}, true],
    ['2026-11-24T07:00:00Z', {}, false],
    ['2026-11-24T03:00:00Z', { role: 'R8000' }, false],
    ['2026-11-24T03:00:00Z', { role: undefined }, false],
    // A Sunday at noon, and the minute before it begins.
    ['2026-11-22T12:00:00Z', {}, true],
    ['2026-11-21T19:00:00Z', {}, false],
    // In summer England is an hour ahead of UTC.
    ['2026-07-06T19:30:00Z', {}, true],
    ['2026-07-06T06:30:00Z', {}, false],
  ];
  for (const [at, more, expected] of TABLE) {
    it(`${at} ${JSON.stringify(more)}: ${expected}`, () => {
      const got = findings({ out_of_hours: hours }, [look(Date.parse(at), more)]);
      assert.deepEqual(
        got.map(({ rule }) => rule),
        expected ? ['out_of_hours'] : [],
      );
    });
  }

  it('takes a span within one day as well', () => {
    const lunch = { ...hours, from: '12:00', until: '13:00', days: [] };
    assert.equal(findings({ out_of_hours: lunch }, [look(NOON), look(NOON + 60 * MINUTE)]).length, 1);
  });
});

describe('unusual access: emergency access', () => {
  it('is every one, oldest first, and none where the rule is off', () => {
    const looks = [look(NOON + 2, { breakGlass: true }), look(NOON, { breakGlass: true }), look(NOON + 1)];
    assert.deepEqual(
      findings({ break_glass: true }, looks).map(({ entries }) => entries),
      [[`log:${NOON}`], [`log:${NOON + 2}`]],
    );
    assert.deepEqual(findings({ break_glass: false }, looks), []);
    assert.deepEqual(findings({}, looks), []);
  });
});

describe('what a look is', () => {
  const who = { user: 'u', patient: 'p' };
  it('our own plan, or a neighbour’s query; nothing else, and not what a region asks of itself', () => {
    const TABLE = [
      [found(1, 'route-planned', { role: 'R8000' }, who), true],
      [found(1, 'query-received', { region: 'london', break_glass: true }, who), true],
      [found(1, 'query-received', { region: 'here' }, who), false],
      [found(1, 'query-sent', { region: 'london' }, who), false],
      [found(1, 'released-to-viewer', {}, who), false],
      [found(1, 'audit-searched', {}, who), false],
    ] as const;
    assert.deepEqual(
      TABLE.map(([entry]) => lookOf(entry, 'here') !== undefined),
      TABLE.map(([, expected]) => expected),
    );
  });
});
