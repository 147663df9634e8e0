import assert from 'node:assert/strict';
import fc from 'fast-check';

import { planRoute } from '../../src/routing/plan.ts';
import { isRestricted, type Registration } from '../../src/routing/registration.ts';
import type { RouteFacts } from '../../src/routing/route-facts.ts';
import { directory, facts } from './facts.ts';

const REGIONS = directory.regions().map(({ id }) => id);
const someRegions = fc.subarray(REGIONS).map((ids) => new Set(ids));
const current = fc.constantFrom('9990000018', '9990000026');
const practice = fc.constantFrom('F81027', 'H83006', 'E82132', 'A99999');
const time = fc.integer({ min: Date.parse('2020-01-01'), max: Date.parse('2027-01-01') });
const since = time.map((at) => new Date(at).toISOString().slice(0, 10));

const registration: fc.Arbitrary<Registration> = fc.oneof(
  fc.record(
    {
      ...{ kind: fc.constantFrom('registered' as const, 'ended' as const), practice, current, since },
      deceased: fc.constant(true as const),
    },
    { requiredKeys: ['kind', 'practice', 'current'] },
  ),
  fc.record({ kind: fc.constantFrom('no-practice' as const, 'restricted' as const), current }),
  fc.record({
    kind: fc.constantFrom(...(['unknown', 'invalidated', 'not-reached', 'restricted-before'] as const)),
  }),
);

const anyFacts: fc.Arbitrary<RouteFacts> = fc.record({
  nhsNumber: fc.constant('9990000018'),
  registration,
  careLocations: fc.subarray(['RJ6', 'RJ611', 'RJ601', 'R1L', 'RGT01']),
  stated: fc.option(practice, { nil: undefined }),
  register: fc.option(fc.record({ practice, from: fc.option(time, { nil: undefined }) }), { nil: undefined }),
  known: fc.array(
    fc.record({
      region: fc.constantFrom(...REGIONS, 'gone'),
      how: fc.constantFrom('notice' as const, 'handover' as const, 'located' as const),
    }),
  ),
  own: fc.constant(facts.own),
  agreed: someRegions,
  breakGlass: someRegions,
  withoutRegistration: fc.constantFrom(
    'ask-all-agreed' as const,
    'ask-home-only' as const,
    'ask-none' as const,
  ),
  recentMonths: fc.integer({ min: 0, max: 120 }),
  at: time,
});

describe('a plan, whatever the facts', () => {
  const holds = (property: (one: RouteFacts) => void): void =>
    fc.assert(fc.property(anyFacts, property), { numRuns: 2_000 });

  it('has every region once', () => {
    holds((one) => {
      const { regions } = planRoute(one, directory);
      assert.deepEqual(
        regions.map(({ region }) => region),
        REGIONS,
      );
    });
  });

  it('asks nobody about a restricted patient, but where the glass is broken', () => {
    const RESTRICTED: Registration[] = [
      { kind: 'restricted', current: '9990000018' },
      { kind: 'restricted-before' },
    ];
    for (const registration of RESTRICTED) {
      holds((one) => {
        const closed = planRoute({ ...one, registration, breakGlass: new Set() }, directory);
        assert.ok(closed.regions.every((region) => !region.ask && region.reason === 'restricted'));
        assert.deepEqual([closed.rules, closed.unknownOrganisations], [[registration.kind], []]);
        const broken = planRoute({ ...one, registration }, directory);
        assert.ok(broken.regions.every((region) => !region.ask || one.breakGlass.has(region.region)));
      });
    }
  });

  it('asks nobody without a reason, and nobody without an agreement', () => {
    holds((one) => {
      for (const region of planRoute(one, directory).regions) {
        if (!region.ask) continue;
        assert.ok(region.reasons.length > 0);
        assert.equal(new Set(region.reasons).size, region.reasons.length);
        const covered = region.reasons.includes('break-glass') ? one.breakGlass : one.agreed;
        assert.ok(covered.has(region.region));
      }
    });
  });

  it('leaves out nobody that something known leads to, but for want of an agreement', () => {
    holds((one) => {
      if (isRestricted(one.registration)) return;
      const plan = planRoute(one, directory);
      for (const { region } of one.known) {
        const planned = plan.regions.find((entry) => entry.region === region);
        assert.ok(planned === undefined || planned.ask || planned.reason === 'no-agreement');
      }
    });
  });

  it('names no rule that the facts do not lead to, and none twice', () => {
    holds((one) => {
      const { rules } = planRoute(one, directory);
      assert.equal(new Set(rules).size, rules.length);
      const isUnlisted = one.known.some(({ region }) => region === 'gone');
      if (!isRestricted(one.registration)) assert.equal(rules.includes('region-unknown'), isUnlisted);
      if (one.registration.kind === 'invalidated') assert.equal(rules[0], 'invalidated');
      if (one.stated === undefined) assert.ok(!rules.includes('stated-by-viewer'));
      if (one.register === undefined) assert.ok(!rules.includes('local-register'));
    });
  });

  it('is the same for the same facts', () => {
    holds((one) => assert.deepEqual(planRoute(one, directory), planRoute(one, directory)));
  });
});
