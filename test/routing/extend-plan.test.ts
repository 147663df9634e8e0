import assert from 'node:assert/strict';

import { Directory } from '../../src/routing/directory.ts';
import { extendPlan, type Located } from '../../src/routing/extend-plan.ts';
import type { PlannedQuestion } from '../../src/routing/plan-for.ts';
import { planRoute, type RouteFacts } from '../../src/routing/plan.ts';

const directory = new Directory({
  regions: ['ours', 'home', 'held', 'other'].map((id, nth) => ({
    id,
    name: id,
    sub_icbs: [{ code: `0${nth}A` }],
  })),
  practices: { A00001: '01A' },
  organisations: [],
});
const facts = (change: Partial<RouteFacts> = {}): RouteFacts => ({
  nhsNumber: '9990000018',
  registration: { kind: 'registered', practice: 'A00001', current: '9990000018' },
  ...{ careLocations: [], known: [], at: Date.parse('2026-11-23') },
  own: { region: 'ours', records: ['one', 'two'], shownByViewer: ['one'] },
  agreed: new Set(['ours', 'home', 'held']),
  breakGlass: new Set(),
  withoutRegistration: 'ask-all-agreed',
  recentMonths: 12,
  ...change,
});
const planned = (change?: Partial<RouteFacts>): PlannedQuestion => {
  const known = facts(change);
  return { facts: known, plan: planRoute(known, directory), relationship: 'asserted' };
};
const extended = (located: Located, without: 'ask-known' | 'ask-all-agreed' = 'ask-known', change = {}) => {
  const { plan } = extendPlan(planned(change), located, without, directory);
  const asked = plan.regions.map((one) => [one.region, ...(one.ask ? one.reasons : [one.reason])].join(' '));
  return { asked, rules: plan.rules, plan };
};
const told = (...regions: string[]): Located => ({ kind: 'told', regions });
const NOT_TOLD: Located = { kind: 'not-told', rule: 'home-not-located' };

describe('a plan that the home region extends', () => {
  it('asks those that it names beside those that were known, where an agreement covers them', () => {
    const { asked, rules } = extended(told('held', 'other', 'nowhere'));
    assert.deepEqual(asked, ['ours no-reason', 'home registered', 'held located', 'other no-agreement']);
    assert.deepEqual(
      rules,
      ['registered', 'region-unknown'],
      'it names one that the directory does not list',
    );
    assert.deepEqual(extended(told('held', 'other')).rules, ['registered']);
  });

  it('asks our own other records where it names us, and the one that the viewer shows not', () => {
    const { plan } = extended(told('ours'));
    assert.deepEqual(plan.regions[0], { region: 'ours', ask: true, reasons: ['located'], records: ['two'] });
  });

  it('is the same plan where nobody is named', () => {
    const before = planned();
    assert.equal(extendPlan(before, told(), 'ask-all-agreed', directory), before);
  });

  it('names the rule where it was not told, and asks by the setting', () => {
    const known = extended(NOT_TOLD);
    assert.deepEqual(known.asked, ['ours no-reason', 'home registered', 'held no-reason', 'other no-reason']);
    assert.deepEqual(known.rules, ['registered', 'home-not-located']);
    const all = extended(NOT_TOLD, 'ask-all-agreed');
    assert.deepEqual(all.asked, [
      'ours ask-all',
      'home registered ask-all',
      'held ask-all',
      'other no-reason',
    ]);
  });

  it('asks nobody about a restricted patient, whatever it is told', () => {
    const change = { registration: { kind: 'restricted', current: '9990000018' } } as const;
    for (const located of [told('held'), NOT_TOLD]) {
      const { asked } = extended(located, 'ask-all-agreed', change);
      assert.ok(
        asked.every((one) => one.endsWith(' restricted')),
        asked.join(),
      );
    }
  });
});
