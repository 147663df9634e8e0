import assert from 'node:assert/strict';

import type { Access } from '../../src/audit/questions/access.ts';
import {
  isComplete,
  mergeRegions,
  type AllRegions,
  type RegionOutcome,
} from '../../src/audit/questions/all-regions.ts';
import { allRegionsCsv } from '../../src/audit/questions/report-csv.ts';
import { reportHtml } from '../../src/audit/questions/report-html.ts';
import { regionSays } from '../../src/audit/questions/report-roll-call.ts';
import { wordsOf, type Names } from '../../src/audit/questions/report-words.ts';
import { fromTold, toTold } from '../../src/audit/questions/told-access.ts';

const NAMES: Names = { region: (id) => `Region ${id}`, organisation: () => undefined };

function access(more: Partial<Access> = {}): Access {
  return {
    ...{ at: 1_000, exchange: 'x', askedBy: 'us', kind: 'shown', reason: undefined },
    ...{ organisation: 'RQW', role: 'R0260', purpose: 'directcare', user: 'https://v.example/Id/user|a' },
    ...{ breakGlass: undefined, regions: [], types: [{ type: 'Condition', count: 2 }], count: 2 },
    ...{ entries: [1], sent: [] },
    ...more,
  };
}

const given = (region: string, jti: string, at = 1_010): Access =>
  access({ askedBy: 'neighbour', kind: 'given', exchange: jti, at, regions: [{ region }], entries: [7, 8] });
/** As it comes from another region: with nothing that does not travel. */
const told = (more: Partial<Access>): Access => fromTold(toTold(access(more), false));

/** A report of our own logs that lacks nothing. */
const whole = (accesses: readonly Access[]) => ({ accesses, notLookedAt: [], unreadable: 0 });

describe('the accesses of all regions', () => {
  it('the two ends of one exchange are one line, with what only our own log knows', () => {
    const own = [access({ at: 500, exchange: 'ours' }), given('essex', 'j1')];
    const essex = told({ at: 1_000, sent: ['j1', 'j2'], organisation: 'RDE' });
    const { accesses, regions } = mergeRegions('home', whole(own), [
      { region: 'essex', outcome: 'answered', accesses: [essex] },
    ]);
    assert.deepEqual(
      accesses.map(({ where, kind, ours }) => [where, kind, ours.map((one) => one.exchange)]),
      [
        ['home', 'shown', []],
        ['essex', 'shown', ['j1']],
      ],
    );
    assert.deepEqual([accesses[1]?.organisation, accesses[1]?.entries], ['RQW', [7, 8]]);
    assert.deepEqual(
      regions.map(({ region, outcome, count }) => [region, outcome, count]),
      [
        ['home', 'home', 2],
        ['essex', 'answered', 1],
      ],
    );
    const words = wordsOf(accesses[1] ?? access(), NAMES);
    assert.match(words.what, /^Asked in Region essex, and shown/);
    assert.match(words.regions, /our own log: we gave 2 Condition/);
  });

  it('pages of one look, each a query of its own, are one line too', () => {
    const own = [given('essex', 'j1'), given('essex', 'j2')];
    const others = [
      { region: 'essex', outcome: 'answered', accesses: [told({ sent: ['j1', 'j2'] })] } as const,
    ];
    const { accesses } = mergeRegions('home', whole(own), others);
    assert.deepEqual(
      accesses.map(({ ours }) => ours.length),
      [2],
    );
  });

  it('a region cannot speak for what another region asked, nor twice for the same', () => {
    const own = [given('essex', 'j1')];
    const claims = [told({ sent: ['j1'] }), told({ sent: ['j1'], at: 900 })];
    const merged = mergeRegions('home', whole(own), [
      { region: 'london', outcome: 'answered', accesses: claims },
      { region: 'essex', outcome: 'not-reached', accesses: [] },
    ]);
    assert.deepEqual(
      merged.accesses.map(({ where, ours }) => [where, ours.length]),
      [
        ['london', 0],
        ['london', 0],
        ['home', 0],
      ],
    );
    const twice = mergeRegions('home', whole(own), [
      { region: 'essex', outcome: 'answered', accesses: claims },
    ]);
    assert.equal(twice.accesses.flatMap(({ ours }) => ours).length, 1);
    assert.equal(twice.accesses.length, 2);
  });

  it('what travels of a look names no user, and no words of anybody', () => {
    const words = 'found on the floor';
    const all = access({
      ...{ user: words, role: words, purpose: words, exchange: words, reason: words },
      ...{ organisation: words, breakGlass: { code: words, reason: words } },
      regions: [{ region: 'london', outcome: words, reason: words }],
    });
    for (const organisations of [false, true])
      assert.doesNotMatch(JSON.stringify(toTold(all, organisations)), new RegExp(words));
    assert.equal(toTold(access(), false).organisation, undefined);
    assert.equal(toTold(access(), true).organisation, 'RQW');
    assert.deepEqual(toTold(all, true).break_glass, {});
    assert.equal(toTold(access({ types: undefined }), false).types, undefined);
  });
});

const OPEN: RegionOutcome[] = ['partial', 'withheld', 'refused', 'not-reached', 'not-agreed', 'not-asked'];

describe('the roll-call of a report over all regions', () => {
  const everywhere = (outcome: RegionOutcome): AllRegions =>
    mergeRegions('home', whole([]), [{ region: 'essex', outcome, accesses: [] }]);
  const page = ({ accesses, regions }: AllRegions): string =>
    reportHtml(
      {
        report: {
          from: 0,
          to: 2_000,
          accesses,
          enquiries: [],
          lookUps: [],
          numbers: 1,
          unconfirmed: 0,
          notLookedAt: [],
          unreadable: 0,
        },
        ...{ region: 'home', nhsNumber: '9990000018', madeAt: 2_000, showUsers: false, regions },
      },
      NAMES,
    );

  for (const outcome of OPEN) {
    it(`${outcome}: every form says that what it showed is not known`, () => {
      const all = everywhere(outcome);
      const [, essex] = all.regions;
      assert.ok(essex);
      assert.match(regionSays(essex, NAMES).says, /is not known/);
      assert.match(page(all), /class="missing">[^<]*Region essex/);
      const rows = allRegionsCsv(all, [], NAMES, false).trimEnd().split('\r\n');
      assert.equal(rows.length, 3);
      assert.match(rows[2] ?? '', new RegExp(`^"region","essex","${outcome}","","[^"]*is not known`));
      const columns = rows.map((row) => row.match(/"(?:[^"]|"")*"/g)?.length);
      assert.equal(new Set(columns).size, 1);
    });
  }

  it('our own part is not complete where entries are archived or broken, and the table has a row for them', () => {
    const part = { log: 'a/log/1', from: 0, to: 300, oldest: 500, newest: 900, files: ['a.segment.gz'] };
    const others = [{ region: 'essex', outcome: 'none', accesses: [] }] as const;
    const archived = mergeRegions('home', { ...whole([]), notLookedAt: [part] }, others);
    assert.deepEqual(archived.regions.map(isComplete), [false, true]);
    assert.match(page(archived), /class="missing">[^<]*Region home/);
    const rows = allRegionsCsv(archived, [part], NAMES, false).trimEnd().split('\r\n');
    assert.match(rows[3] ?? '', /^"archived","home","","1970-01-01T00:00:00.500Z"/);
    const broken = mergeRegions('home', { ...whole([]), unreadable: 1 }, others);
    assert.deepEqual(broken.regions.map(isComplete), [false, true]);
  });

  for (const outcome of ['answered', 'none'] as const) {
    it(`${outcome}: nothing is missing`, () => {
      assert.doesNotMatch(page(everywhere(outcome)), /class="missing"|is not known/);
    });
  }

  it('the outcomes are told apart in words', () => {
    const words = [...OPEN, 'answered', 'none', 'home'] as RegionOutcome[];
    const says = words.map((outcome) => regionSays({ region: 'essex', outcome, count: 0 }, NAMES).says);
    assert.equal(new Set(says).size, words.length);
  });
});
