import assert from 'node:assert/strict';

import { Directory, type DirectoryData } from '../../src/routing/directory.ts';
import { explainCode } from '../../src/routing/explain-code.ts';
import { homeOf } from '../../src/routing/home-region.ts';
import { imported } from './imported.ts';

const DATA: DirectoryData = {
  regions: [
    { id: 'home', name: 'Home', sub_icbs: [{ code: '07H' }, { code: '06N' }] },
    { id: 'city', name: 'City', sub_icbs: [{ code: '36L', until: '2026-03-31' }] },
    { id: 'hills', name: 'Hills', sub_icbs: [{ code: '36L', from: '2026-04-01' }] },
  ],
  parentage: [
    { icb: 'QM7', until: '2026-03-31', sub_icbs: ['07H', '06N'] },
    { icb: 'D7T5G', from: '2026-04-01', sub_icbs: ['07H'] },
    { icb: 'S1Y5D', from: '2026-04-01', sub_icbs: ['06N', '06H'] },
    { icb: 'QUE', until: '2026-03-31', sub_icbs: ['06H'] },
  ],
  practices: { E82006: '06N', F81027: '36L', W00001: '7A1' },
  successors: [
    { code: 'RAP', successor: 'RAQ', from: '2025-01-01' },
    { code: 'RAQ', successor: 'RAL', from: '2026-01-01' },
    { code: 'F81100', successor: 'F81027' },
  ],
  special_allocation: ['Y06095'],
  organisations: [
    { code: 'RAL', name: 'Royal', feeds: [{ region: 'city' }] },
    { code: 'RAP', name: 'North', feeds: [{ region: 'home' }] },
    { code: 'RYC', name: 'Ambulance', feeds: [{ region: 'home' }, { region: 'hills', record: 'one' }] },
    { code: 'RYCAB', name: 'A station', feeds: [{ region: 'city', until: '2025-12-31' }] },
    { code: 'G6V2S', name: 'Five characters', feeds: [{ region: 'city' }] },
    { code: 'G6V', name: 'Somebody else', feeds: [{ region: 'hills' }] },
    { code: 'NNH', name: 'Runs a site', feeds: [{ region: 'hills' }] },
    { code: 'NTY', name: 'Another', feeds: [{ region: 'city' }] },
  ],
};
const directory = new Directory(
  DATA,
  imported(
    [
      'cost-centres',
      '2026-02-01',
      {
        F81027: { subIcb: '07H', status: 'open', roles: ['RO76'] },
        E82132: { subIcb: '06H', status: 'open' },
        E82133: { subIcb: '06H', status: 'closed', closed: '2025-01-31' },
        F81099: { subIcb: '07H', status: 'closed', closed: '2025-01-31' },
        F81100: { subIcb: '99X', status: 'closed', closed: '2025-01-31' },
        A81003: { subIcb: '00K', status: 'closed', closed: '2017-10-31' },
        W91001: { subIcb: '7A1', status: 'open' },
        A91024: { subIcb: '13Q', status: 'open' },
        Y00613: { name: 'HMP BIRMINGHAM', subIcb: '14Q', status: 'open' },
        Y00614: { name: 'ANOTHER', subIcb: '14X', status: 'open' },
        Y06095: { name: 'AN ORDINARY NAME', subIcb: '06N', status: 'open' },
        Y06389: { name: 'SAS MID AND SOUTH ESSEX', subIcb: '07H', status: 'open' },
        Y06390: { name: 'DR SASSOON', subIcb: '07H', status: 'open' },
        Y00001: { status: 'open', crownDependency: true },
        Y08621: { status: 'open' },
      },
    ],
    [
      'trusts',
      '2026-02-01',
      { G6V2S: { icb: 'Z9B2Z' }, K0N6A: { icb: 'QKK' }, RAP: { closed: '2024-12-31' } },
    ],
    ['sub-icbs', '2026-02-01', { '14X': { roles: ['RO218'] }, '00K': { roles: [], closed: '2020-03-31' } }],
    ['sites', '2020-01-01', { NTYF2: { parent: 'NNH' }, RYC01: { parent: 'RYC' } }],
  ),
);
const on = (day: string): number => Date.parse(`${day}T12:00:00Z`);

describe('where a practice leads', () => {
  const PRACTICES: [string, object, string][] = [
    ['F81027', { kind: 'region', region: 'home', subIcb: '07H' }, 'what was imported counts before the file'],
    [
      'E82006',
      { kind: 'region', region: 'home', subIcb: '06N' },
      'the file, where nothing was imported of it',
    ],
    ['E82132', { kind: 'outside', subIcb: '06H' }, 'a sub-ICB location of no region'],
    ['E82133', { kind: 'outside', subIcb: '06H', closed: '2025-01-31' }, 'the same, closed'],
    [
      'F81099',
      { kind: 'region', region: 'home', subIcb: '07H', closed: '2025-01-31' },
      'closed, in a region',
    ],
    [
      'F81100',
      { kind: 'region', region: 'home', subIcb: '07H', closed: '2025-01-31', successor: 'F81027' },
      'closed, with a successor',
    ],
    ['A81003', { kind: 'closed', closed: '2017-10-31' }, 'closed, as its commissioner is'],
    ['W91001', { kind: 'wales', subIcb: '7A1' }, 'a Welsh commissioner'],
    ['W00001', { kind: 'wales', subIcb: '7A1' }, 'a Welsh commissioner in the file'],
    ['W99999', { kind: 'wales' }, 'a Welsh code'],
    ['S10017', { kind: 'scotland' }, 'a Scottish code'],
    ['Z00001', { kind: 'northern-ireland' }, 'a code of Northern Ireland'],
    ['Y00001', { kind: 'crown-dependency' }, 'an island, imported'],
    ['JER014', { kind: 'crown-dependency' }, 'an island, by its code'],
    ['A91024', { kind: 'defence', subIcb: '13Q' }, 'the armed forces'],
    ['A91999', { kind: 'defence' }, 'the armed forces, by its code'],
    ['Y00613', { kind: 'national', subIcb: '14Q' }, 'a commissioning hub'],
    ['Y00614', { kind: 'national', subIcb: '14X' }, 'a commissioning hub that was imported'],
    ['Y06389', { kind: 'special-allocation', subIcb: '07H', region: 'home' }, 'special allocation, by name'],
    [
      'Y06095',
      { kind: 'special-allocation', subIcb: '06N', region: 'home' },
      'special allocation, as listed',
    ],
    ['Y06390', { kind: 'region', region: 'home', subIcb: '07H' }, 'a name that only begins like it'],
    ['Y08621', { kind: 'unknown' }, 'no commissioner'],
    ['A99999', { kind: 'unknown' }, 'nobody knows it'],
  ];
  for (const [code, place, why] of PRACTICES) {
    it(`${code}: ${why}`, () => {
      assert.deepEqual(directory.practice(code, on('2026-05-01')), place);
      const home = homeOf(
        { kind: 'registered', practice: code, current: '9990000018' },
        directory,
        on('2026-05-01'),
      );
      const { kind } = place as { kind: string };
      assert.equal(home.kind, kind === 'region' ? 'region' : 'none');
    });
  }

  it('gives each outcome a rule of its own', () => {
    const rules = PRACTICES.flatMap(([practice]) => {
      const home = homeOf(
        { kind: 'registered', practice, current: '9990000018' },
        directory,
        on('2026-05-01'),
      );
      return home.kind === 'none' ? [home.rule] : [];
    });
    const kinds = PRACTICES.map(([, place]) => (place as { kind: string }).kind);
    assert.equal(new Set(rules).size, new Set(kinds).size - 1);
  });
});

describe('what an organisation feeds', () => {
  const FEEDS: [string, string, string[], string][] = [
    ['RYC', '2026-05-01', ['home', 'hills/one'], 'all that is listed'],
    ['RYC01', '2026-05-01', ['home', 'hills/one'], 'a site follows its organisation'],
    ['RYCAB', '2025-05-01', ['city'], 'a site with an entry of its own'],
    ['RYCAB', '2026-05-01', ['home', 'hills/one'], 'and after its end its organisation again'],
    ['NTYF2', '2026-05-01', ['hills'], 'a site of another organisation than its code says'],
    ['NTYF3', '2026-05-01', ['city'], 'a site that was not imported'],
    ['G6V2S', '2026-05-01', ['city'], 'an organisation of five characters'],
    ['G6V2S01', '2026-05-01', ['city'], 'a site of one'],
    ['K0N6A', '2026-05-01', [], 'another that nobody lists'],
    ['RAP', '2024-12-31', ['home'], 'one that is to be closed'],
    ['RAP', '2025-06-01', [], 'one whose successor nobody lists'],
    ['RAP', '2026-05-01', ['city'], 'one whose successor has a successor'],
    ['RAP01', '2026-05-01', ['city'], 'a site of it'],
    ['RZZ', '2026-05-01', [], 'nobody knows it'],
  ];
  for (const [code, day, regions, why] of FEEDS) {
    it(`${code} on ${day}: ${why}`, () => {
      const feeds = directory
        .feeds(code, on(day))
        .map(({ region, record }) => (record ? `${region}/${record}` : region));
      assert.deepEqual(feeds, regions);
    });
  }

  it('says whom a closed one is followed by', () => {
    assert.deepEqual(directory.feedSource('RAP01', on('2026-05-01'))?.succeeded, {
      code: 'RAP',
      successor: 'RAL',
    });
  });

  it('tells whether an organisation lies in a coverage', () => {
    const coverage = { sub_icbs: ['07H'], organisations: ['RYC', 'G6V'] };
    const inside = (code: string): boolean => directory.inCoverage(coverage, code, on('2026-05-01'));
    assert.deepEqual(['F81027', 'RYC', 'RYC01', 'RYC99'].map(inside), [true, true, true, true]);
    assert.deepEqual(['E82132', 'G6V2S', 'NTYF2', 'W91001', 'A99999'].map(inside), Array(5).fill(false));
  });
});

describe('what is told of a code', () => {
  const told = (code: string, day = '2026-05-01') => {
    const { rule, region, subIcb, icb, organisation, successor } =
      explainCode(directory, code, on(day)) ?? {};
    return { rule, region, subIcb, icb, organisation, successor };
  };
  const nothing = {
    subIcb: undefined,
    icb: undefined,
    organisation: undefined,
    successor: undefined,
    region: undefined,
  };

  it('has the ICB of the day, in the same region', () => {
    const harlow = { ...nothing, rule: 'commissioner', region: 'home', subIcb: '07H' };
    assert.deepEqual(told('F81027', '2026-03-31'), { ...harlow, icb: 'QM7' });
    assert.deepEqual(told('F81027', '2026-04-01'), { ...harlow, icb: 'D7T5G' });
  });

  it('names the rule of each', () => {
    assert.equal(told('W91001').rule, 'practice-in-wales');
    assert.deepEqual(told('07H'), {
      ...nothing,
      rule: 'covered',
      region: 'home',
      subIcb: '07H',
      icb: 'D7T5G',
    });
    assert.deepEqual(told('06H'), { ...nothing, rule: 'not-covered', subIcb: '06H', icb: 'S1Y5D' });
    assert.deepEqual(told('RAL'), { ...nothing, rule: 'own-feeds', region: 'city' });
    assert.deepEqual(told('NTYF2'), {
      ...nothing,
      rule: 'organisation-feeds',
      region: 'hills',
      organisation: 'NNH',
    });
    assert.deepEqual(told('RAP'), { ...nothing, rule: 'successor-feeds', region: 'city', successor: 'RAL' });
    assert.deepEqual(told('K0N6A'), { ...nothing, rule: 'not-listed', icb: 'QKK' });
    assert.equal(explainCode(directory, 'ZZZ99', on('2026-05-01')), undefined);
  });

  it('lists the sub-ICB locations of a day, and who covers each', () => {
    const of = (day: string) =>
      directory.subIcbs(day).map(({ code, icb, region }) => `${code} ${icb} ${region ?? '-'}`);
    assert.deepEqual(of('2026-03-31'), ['06H QUE -', '06N QM7 home', '07H QM7 home']);
    assert.deepEqual(of('2026-04-01'), ['06H S1Y5D -', '06N S1Y5D home', '07H D7T5G home']);
  });
});
