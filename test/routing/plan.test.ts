import assert from 'node:assert/strict';

import { planRoute, type RegionPlan, type RouteFacts } from '../../src/routing/plan.ts';
import { directory, facts } from './facts.ts';

const told = (plans: readonly RegionPlan[]): string[] =>
  plans.map((plan) => `${plan.region} ${plan.ask ? plan.reasons.join('+') : `- ${plan.reason}`}`);

const TABLE: { name: string; change: Partial<RouteFacts>; rules: string[]; regions: string[] }[] = [
  {
    name: 'asks the home region for its other record, and nobody without a reason',
    change: {},
    rules: ['registered'],
    regions: ['home registered', 'city - no-reason', 'hills - no-reason'],
  },
  {
    name: 'asks whom nobody has decided on yet, where the patient is ours',
    change: { known: [{ region: 'city', how: 'notice', undecided: true }] },
    rules: ['registered'],
    regions: ['home registered', 'city notice', 'hills - no-reason'],
  },
  {
    name: 'and nobody for that where the patient is not ours',
    change: {
      registration: { kind: 'registered', practice: 'H83006', current: '9990000018' },
      known: [
        { region: 'city', how: 'notice', undecided: true },
        { region: 'atlantis', how: 'notice', undecided: true },
      ],
    },
    rules: ['registered'],
    regions: ['home - no-reason', 'city - no-reason', 'hills registered'],
  },
  {
    name: 'leaves the home region out when the viewer shows all its records',
    change: { own: { region: 'home', records: ['one'], shownByViewer: ['one'] } },
    rules: ['registered'],
    regions: ['home - own-record', 'city - no-reason', 'hills - no-reason'],
  },
  {
    name: 'asks where the patient was treated; a site has its own entry before its trust',
    change: { careLocations: ['RJ601', 'RJ611'] },
    rules: ['registered'],
    regions: ['home registered', 'city care-location', 'hills care-location'],
  },
  {
    name: 'follows the dates: the sub-ICB moved in April 2026',
    change: { registration: { kind: 'registered', practice: 'H83006', current: '9990000018' } },
    rules: ['registered'],
    regions: ['home - no-reason', 'city - no-reason', 'hills registered'],
  },
  {
    name: 'follows the dates: before April 2026',
    change: {
      registration: { kind: 'registered', practice: 'H83006', current: '9990000018' },
      at: Date.parse('2026-03-31T12:00:00Z'),
    },
    rules: ['registered'],
    regions: ['home - no-reason', 'city registered', 'hills - no-reason'],
  },
  {
    name: 'an ended feed leads nowhere',
    change: { careLocations: ['R1L'] },
    rules: ['registered'],
    regions: ['home registered', 'city care-location', 'hills - no-reason'],
  },
  {
    name: 'no agreement is said as such, never as no reason',
    change: { careLocations: ['RJ6'], agreed: new Set(['home']) },
    rules: ['registered'],
    regions: ['home registered', 'city - no-agreement', 'hills - no-reason'],
  },
  {
    name: 'a restricted patient: nobody is asked, care locations or not',
    change: { registration: { kind: 'restricted', current: '9990000018' }, careLocations: ['RJ6'] },
    rules: ['restricted'],
    regions: ['home - restricted', 'city - restricted', 'hills - restricted'],
  },
  {
    name: 'a restricted patient with the glass broken',
    change: {
      registration: { kind: 'restricted', current: '9990000018' },
      breakGlass: new Set(['home', 'city']),
    },
    rules: ['restricted', 'break-glass'],
    regions: ['home break-glass', 'city break-glass', 'hills - no-agreement'],
  },
  {
    name: 'one who was restricted before demographics were away: nobody is asked, whatever the policy',
    change: { registration: { kind: 'restricted-before' }, careLocations: ['RJ6'], stated: 'H83006' },
    rules: ['restricted-before'],
    regions: ['home - restricted', 'city - restricted', 'hills - restricted'],
  },
  {
    name: 'one who was restricted before, with the glass broken',
    change: { registration: { kind: 'restricted-before' }, breakGlass: new Set(['home', 'city']) },
    rules: ['restricted-before', 'break-glass'],
    regions: ['home break-glass', 'city break-glass', 'hills - no-agreement'],
  },
  ...(
    [
      ['not-reached', 'demographics-not-reached'],
      ['unknown', 'not-known'],
    ] as const
  ).map(([kind, rule]) => ({
    name: `${kind}: asks all that an agreement covers, and says so`,
    change: { registration: { kind }, agreed: new Set(['home', 'city']) },
    rules: [rule, 'ask-all-agreed'],
    regions: ['home ask-all', 'city ask-all', 'hills - no-agreement'],
  })),
  {
    name: 'an ended registration is no registration',
    change: { registration: { kind: 'ended', practice: 'F81027', current: '9990000018' } },
    rules: ['registration-ended', 'ask-all-agreed'],
    regions: ['home ask-all', 'city ask-all', 'hills ask-all'],
  },
  {
    name: 'a practice in Wales',
    change: { registration: { kind: 'registered', practice: 'W91001', current: '9990000018' } },
    rules: ['practice-in-wales', 'ask-all-agreed'],
    regions: ['home ask-all', 'city ask-all', 'hills ask-all'],
  },
  {
    name: 'a practice outside the federation',
    change: { registration: { kind: 'registered', practice: 'E82132', current: '9990000018' } },
    rules: ['home-outside-federation', 'ask-all-agreed'],
    regions: ['home ask-all', 'city ask-all', 'hills ask-all'],
  },
  {
    name: 'a practice that the directory does not know, under another policy',
    change: {
      registration: { kind: 'registered', practice: 'A99999', current: '9990000018' },
      withoutRegistration: 'ask-none',
      careLocations: ['RJ6'],
    },
    rules: ['practice-unknown', 'ask-none'],
    regions: ['home - no-reason', 'city care-location', 'hills - no-reason'],
  },
  {
    name: 'an invalidated number: nothing stands in, and only what is known of it leads anywhere',
    change: {
      registration: { kind: 'invalidated' },
      stated: 'H83006',
      register: { practice: 'F81027' },
      careLocations: ['RJ6'],
    },
    rules: ['invalidated'],
    regions: ['home - no-reason', 'city care-location', 'hills - no-reason'],
  },
  {
    name: 'what other regions told leads to them',
    change: {
      careLocations: ['RJ6'],
      known: [
        { region: 'city', how: 'notice' },
        { region: 'hills', how: 'handover' },
        { region: 'city', how: 'notice' },
        { region: 'hills', how: 'located' },
        { region: 'gone', how: 'notice' },
      ],
    },
    rules: ['registered', 'region-unknown'],
    regions: ['home registered', 'city care-location+notice', 'hills handover+located'],
  },
  {
    name: 'a region that the directory does not list is said, however it was told',
    change: { known: [{ region: 'gone', how: 'located' }] },
    rules: ['registered', 'region-unknown'],
    regions: ['home registered', 'city - no-reason', 'hills - no-reason'],
  },
  {
    name: 'ask-home-only',
    change: {
      registration: { kind: 'no-practice', current: '9990000018' },
      withoutRegistration: 'ask-home-only',
    },
    rules: ['no-practice', 'ask-home-only'],
    regions: ['home ask-own', 'city - no-reason', 'hills - no-reason'],
  },
];

describe('planRoute', () => {
  for (const row of TABLE) {
    it(row.name, () => {
      const plan = planRoute({ ...facts, ...row.change }, directory);
      assert.deepEqual(plan.rules, row.rules);
      assert.deepEqual(told(plan.regions), row.regions);
    });
  }

  it('asks with both numbers when the one asked with is superseded', () => {
    const plan = planRoute(
      { ...facts, registration: { kind: 'registered', practice: 'F81027', current: '9990000026' } },
      directory,
    );
    assert.equal(plan.nhsNumber, '9990000026');
    assert.equal(plan.also, '9990000018');
    assert.deepEqual(plan.rules, ['registered', 'superseded']);
  });

  it('names the care locations that no region covers', () => {
    const plan = planRoute({ ...facts, careLocations: ['RGT01', 'RJ6'] }, directory);
    assert.deepEqual(plan.unknownOrganisations, ['RGT01']);
  });

  it('does not name them for a restricted patient', () => {
    const plan = planRoute(
      { ...facts, careLocations: ['RGT01'], registration: { kind: 'restricted', current: '9990000018' } },
      directory,
    );
    assert.deepEqual(plan.unknownOrganisations, []);
  });
});
