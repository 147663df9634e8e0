import assert from 'node:assert/strict';

import { planRoute } from '../../src/routing/plan.ts';
import { readHome } from '../../src/routing/read-home.ts';
import type { RouteFacts } from '../../src/routing/route-facts.ts';
import { directory, facts } from './facts.ts';

const CURRENT = facts.nhsNumber;
const LATELY = '2026-10-20';
const registeredSince = (since: string, practice = 'F81027') =>
  ({ kind: 'registered', practice, current: CURRENT, since }) as const;
const day = (text: string): number => Date.parse(text);
const handedOver = (region: string, from: string, told = LATELY) =>
  ({ region, how: 'handover', from, lastTold: day(told) }) as const;

interface Row {
  readonly name: string;
  readonly change: Partial<RouteFacts>;
  readonly homes: readonly string[];
  readonly rules: readonly string[];
}

const STATED = { stated: 'H83006' };
const HERE = { register: { practice: 'F81027', from: day('2001-01-01') } };
const NO_PRACTICE = { kind: 'no-practice', current: CURRENT } as const;

const STAND_INS: Row[] = [
  ...(
    [
      [{ kind: 'ended', practice: 'F81027', current: CURRENT }, 'registration-ended'],
      [NO_PRACTICE, 'no-practice'],
      [{ kind: 'unknown' }, 'not-known'],
      [{ kind: 'not-reached' }, 'demographics-not-reached'],
    ] as const
  ).flatMap(([registration, rule]): Row[] => [
    {
      name: `${rule}: the viewer's statement comes first`,
      change: { registration, ...STATED, ...HERE },
      homes: ['hills'],
      rules: [rule, 'stated-by-viewer'],
    },
    {
      name: `${rule}: then the local register`,
      change: { registration, ...HERE },
      homes: ['home'],
      rules: [rule, 'local-register'],
    },
    {
      name: `${rule}: then the policy`,
      change: { registration },
      homes: [],
      rules: [rule, 'ask-all-agreed'],
    },
  ]),
  {
    name: 'a stated practice that the directory does not know falls through to the register',
    change: { registration: NO_PRACTICE, stated: 'A99999', ...HERE },
    homes: ['home'],
    rules: ['no-practice', 'local-register'],
  },
  {
    name: 'and to the policy',
    change: { registration: NO_PRACTICE, stated: 'A99999', withoutRegistration: 'ask-none' },
    homes: [],
    rules: ['no-practice', 'ask-none'],
  },
  {
    name: 'a stated practice outside the federation is known as such',
    change: { registration: NO_PRACTICE, stated: 'E82132', ...HERE },
    homes: [],
    rules: ['no-practice', 'stated-by-viewer', 'home-outside-federation', 'ask-all-agreed'],
  },
  {
    name: 'whom our register has is ours, though the directory does not know the practice',
    change: { registration: NO_PRACTICE, register: { practice: 'A99999' } },
    homes: ['home'],
    rules: ['no-practice', 'local-register'],
  },
  {
    name: 'a statement changes nothing where demographics say a practice',
    change: STATED,
    homes: ['home'],
    rules: ['registered'],
  },
  {
    name: 'nor where they say one that the directory does not know',
    change: { registration: { kind: 'registered', practice: 'A99999', current: CURRENT }, ...STATED },
    homes: [],
    rules: ['practice-unknown', 'ask-all-agreed'],
  },
  {
    name: 'nothing stands in for a restricted patient',
    change: { registration: { kind: 'restricted', current: CURRENT }, ...STATED, ...HERE },
    homes: [],
    rules: ['restricted'],
  },
  {
    name: 'nor for one who was told as restricted before',
    change: { registration: { kind: 'restricted-before' }, ...STATED, ...HERE },
    homes: [],
    rules: ['restricted-before'],
  },
  {
    name: 'nor for an invalidated number',
    change: { registration: { kind: 'invalidated' }, ...STATED, ...HERE },
    homes: [],
    rules: ['invalidated'],
  },
];

const BESIDE: Row[] = [
  {
    name: 'registered elsewhere, and with us as well: both',
    change: { registration: registeredSince('2001-01-01', 'H83006'), ...HERE },
    homes: ['hills', 'home'],
    rules: ['registered', 'temporary'],
  },
  {
    name: 'registered outside the federation, and with us as well',
    change: { registration: registeredSince('2001-01-01', 'E82132'), ...HERE },
    homes: ['home'],
    rules: ['home-outside-federation', 'ask-all-agreed', 'temporary'],
  },
  {
    name: 'who has died is planned for as anybody, and it is said',
    change: { registration: { ...registeredSince('2001-01-01'), deceased: true } },
    homes: ['home'],
    rules: ['registered', 'deceased'],
  },
  {
    name: 'who has died, without a practice',
    change: { registration: { ...NO_PRACTICE, deceased: true }, withoutRegistration: 'ask-none' },
    homes: [],
    rules: ['no-practice', 'ask-none', 'deceased'],
  },
];

const RECENT: Row[] = [
  {
    name: 'registered here since last month, by demographics',
    change: { registration: registeredSince(LATELY) },
    homes: ['home'],
    rules: ['registered', 'recently-registered'],
  },
  {
    name: 'since a year and a day',
    change: { registration: registeredSince('2025-11-21') },
    homes: ['home'],
    rules: ['registered'],
  },
  {
    name: 'since when is not told',
    change: {},
    homes: ['home'],
    rules: ['registered'],
  },
  {
    name: 'another practice of ours since last month, but in our register for long',
    change: { registration: registeredSince(LATELY), ...HERE },
    homes: ['home'],
    rules: ['registered'],
  },
  {
    name: 'in our register since last month, whatever demographics say',
    change: {
      registration: registeredSince('2001-01-01'),
      register: { practice: 'F81027', from: day(LATELY) },
    },
    homes: ['home'],
    rules: ['registered', 'recently-registered'],
  },
  {
    name: 'in our register without a day',
    change: { registration: registeredSince(LATELY), register: { practice: 'F81027' } },
    homes: ['home'],
    rules: ['registered', 'recently-registered'],
  },
  {
    name: 'by our register alone',
    change: { registration: NO_PRACTICE, register: { practice: 'F81027', from: day(LATELY) } },
    homes: ['home'],
    rules: ['no-practice', 'local-register', 'recently-registered'],
  },
  {
    name: 'who was home before handed over, and named itself',
    change: { registration: registeredSince(LATELY), known: [handedOver('city', 'city')] },
    homes: ['home'],
    rules: ['registered', 'handed-over'],
  },
  {
    name: 'a region that does not say that it was home told of another',
    change: { registration: registeredSince(LATELY), known: [handedOver('city', 'hills')] },
    homes: ['home'],
    rules: ['registered', 'recently-registered'],
  },
  {
    name: 'a handover came of an earlier stay',
    change: { registration: registeredSince(LATELY), known: [handedOver('city', 'city', '2020-01-01')] },
    homes: ['home'],
    rules: ['registered', 'recently-registered'],
  },
  {
    name: 'one of an earlier stay named itself, another came since and did not',
    change: {
      registration: registeredSince(LATELY),
      known: [handedOver('city', 'city', '2020-01-01'), handedOver('hills', 'city')],
    },
    homes: ['home'],
    rules: ['registered', 'recently-registered'],
  },
  {
    name: 'a handover came some days before demographics knew',
    change: { registration: registeredSince(LATELY), known: [handedOver('city', 'city', '2026-10-10')] },
    homes: ['home'],
    rules: ['registered', 'handed-over'],
  },
  {
    name: 'a handover to who has been here for long is no rule',
    change: { registration: registeredSince('2001-01-01'), known: [handedOver('city', 'city')] },
    homes: ['home'],
    rules: ['registered'],
  },
  {
    name: 'a notice is no handover',
    change: {
      registration: registeredSince(LATELY),
      known: [{ ...handedOver('city', 'city'), how: 'notice' }],
    },
    homes: ['home'],
    rules: ['registered', 'recently-registered'],
  },
  {
    name: 'it is another region that the patient came to',
    change: { registration: registeredSince(LATELY, 'H83006') },
    homes: ['hills'],
    rules: ['registered'],
  },
  {
    name: 'another span of months',
    change: { registration: registeredSince(LATELY), recentMonths: 1 },
    homes: ['home'],
    rules: ['registered'],
  },
];

describe('where a patient belongs', () => {
  const tables: [string, Row[]][] = [
    ['what stands in', STAND_INS],
    ['what is said beside it', BESIDE],
    ['and since when', RECENT],
  ];
  for (const [what, rows] of tables) {
    describe(what, () => {
      for (const { name, change, homes, rules } of rows) {
        it(name, () => {
          const home = readHome({ ...facts, ...change }, directory);
          assert.deepEqual(home.homes, homes);
          assert.deepEqual(home.rules, rules);
        });
      }
    });
  }

  it('names the superseded number last', () => {
    const registration = { ...registeredSince(LATELY), current: '9990000026', deceased: true } as const;
    const { rules } = planRoute({ ...facts, registration }, directory);
    assert.deepEqual(rules, ['registered', 'recently-registered', 'deceased', 'superseded']);
  });
});
