import assert from 'node:assert/strict';
import { resolve } from 'node:path';

import { parseYaml } from '../../src/config/read-files.ts';
import { directoryFile } from '../../src/config/schema.ts';
import { Directory } from '../../src/routing/directory.ts';
import { explainCode, type ExplainedCode } from '../../src/routing/explain-code.ts';
import { ImportedDirectory } from '../../src/routing/imported-directory.ts';
import {
  datedFile,
  parentageFaults,
  prepareImport,
  type PreparedImport,
} from '../../src/routing/prepare-directory-import.ts';
import { odsFile, odsFiles } from '../support/ods-files.ts';

const FILES = [
  'gp-reg-pat-prac-map_2026-08-01.csv',
  'epraccur_2026-02.csv',
  'epraccur_2025-08.csv',
  'etr_2026-07.csv',
  'etr_2025-12.csv',
  'eccg_2025-12.csv',
  'nhs-website-hospital-sites_2020-01.tilde.csv',
  'icb_names_codes_2024-12.csv',
];
const TODAY = '2026-11-23';
const data = parseYaml(resolve(import.meta.dirname, '../../config/directory.yaml'), directoryFile);
const on = (day: string): number => Date.parse(`${day}T12:00:00Z`);

if (odsFiles !== undefined) {
  describe("the country's directory, with the published files", () => {
    let prepared: PreparedImport;
    let directory: Directory;
    const told = (code: string, day = TODAY): ExplainedCode =>
      explainCode(directory, code, on(day)) ?? assert.fail(`${code} is not known`);
    before(() => {
      const given = FILES.map((file) => datedFile({ file, bytes: odsFile(file) }, undefined, TODAY));
      prepared = prepareImport({ generation: 0, versions: [], imports: [] }, given, on(TODAY));
      directory = new Directory(data, new ImportedDirectory(prepared.after));
    });

    it('is imported whole, each file on its day', () => {
      assert.deepEqual(
        prepared.files.map(({ read, date, datedBy }) => `${read.kind} ${date} ${datedBy}`),
        [
          'sites 2020-01-01 name',
          'icbs 2024-12-01 name',
          'cost-centres 2025-08-01 name',
          'trusts 2025-12-01 name',
          'sub-icbs 2025-12-01 name',
          'cost-centres 2026-02-01 name',
          'trusts 2026-07-01 name',
          'practice-map 2026-08-01 file',
        ],
      );
      assert.deepEqual(
        prepared.files.flatMap(({ read }) => read.refused),
        [],
      );
    });

    it('says of every file the ICBs that the parentage table says', () => {
      for (const file of prepared.files) assert.deepEqual(parentageFaults(file, directory), []);
    });

    it('follows the commissioner, not the ground', () => {
      const leads = (code: string): (string | undefined)[] => [told(code).subIcb, told(code).region];
      assert.deepEqual(leads('F81062'), ['07H', 'herts-west-essex']);
      assert.deepEqual(leads('F81027'), ['07H', 'herts-west-essex']);
      assert.deepEqual(leads('Y06487'), ['W2U3Z', 'london']);
      assert.deepEqual(leads('E82132'), ['06H', undefined]);
      assert.equal(told('E82132').rule, 'home-outside-federation');
      assert.deepEqual(told('F81027').name, 'LISTER MEDICAL CENTRE');
    });

    it('has another ICB and the same region after 1 April 2026', () => {
      const [before, after] = ['2026-03-31', '2026-04-01'];
      for (const [code, region, was, is] of [
        ['D83049', 'essex-suffolk', 'QJG', 'T6Y0W'],
        ['F81133', 'essex-suffolk', 'QJG', 'D7T5G'],
        ['E82006', 'herts-west-essex', 'QM7', 'S1Y5D'],
        ['E82069', 'herts-west-essex', 'QM7', 'S1Y5D'],
        ['F81027', 'herts-west-essex', 'QM7', 'D7T5G'],
        ['M85172', 'west-midlands', 'QHL', 'QHL'],
      ] as const) {
        assert.deepEqual([told(code, before).region, told(code, before).icb], [region, was]);
        assert.deepEqual([told(code, after).region, told(code, after).icb], [region, is]);
      }
      const ofQm7 = directory.imported
        .codes('practice-map')
        .filter((code) => told(code, before).icb === 'QM7');
      assert.ok(ofQm7.length > 100);
      for (const code of ofQm7) {
        assert.equal(told(code, before).region, 'herts-west-essex');
        assert.equal(told(code, after).region, 'herts-west-essex');
        assert.notEqual(told(code, after).icb, 'QM7');
      }
    });

    it('sends sites after their trusts, wherever they stand', () => {
      const regions = (code: string): string[] =>
        directory.feeds(code, on(TODAY)).map(({ region }) => region);
      assert.deepEqual([regions('RATPH'), regions('RYX94')], [['london'], ['london']]);
      assert.deepEqual(regions('RYC'), ['herts-west-essex', 'essex-suffolk']);
      assert.deepEqual(
        [regions('RAP'), regions('RRP'), regions('G6V2S')],
        [['london'], ['london'], ['london']],
      );
      assert.equal(told('RATPH').organisation, 'RAT');
      assert.deepEqual([told('RAP').status, told('RAP').successor], ['closed', 'RAL']);
      for (const [code, region] of [
        ['RQWG0', 'herts-west-essex'],
        ['RWG02', 'herts-west-essex'],
        ['RWH01', 'herts-west-essex'],
        ['RAL26', 'london'],
        ['RJ611', 'london'],
        ['RAJ01', 'essex-suffolk'],
        ['RDEE4', 'essex-suffolk'],
        ['RRK15', 'west-midlands'],
        ['RXWAS', 'west-midlands'],
      ] as const) {
        assert.deepEqual(regions(code), [region]);
      }
    });

    it('lists organisations that are trusts, and successors that began when those before them ended', () => {
      const { imported } = directory;
      for (const { code } of data.organisations) {
        const trust = imported.at(code, TODAY);
        assert.deepEqual([code, trust?.kinds, trust?.status], [code, ['trusts'], 'open']);
      }
      for (const { code, successor, from = '' } of data.successors) {
        const closed = imported.at(code, TODAY)?.closed ?? '';
        const next = new Date(on(closed) + 86_400_000).toISOString().slice(0, 10);
        assert.ok([closed, next].includes(from), `${code} was closed on ${closed}`);
        assert.equal(imported.at(successor, TODAY)?.status, 'open');
      }
    });

    it('gives every practice of the map a region or an outcome that is written down', () => {
      const practices = directory.imported.codes('practice-map');
      const rules = Map.groupBy(practices, (code) => told(code).rule);
      assert.equal(practices.length, 6_129);
      assert.deepEqual(
        new Set(rules.keys()),
        new Set(['commissioner', 'home-outside-federation', 'practice-special-allocation']),
      );
      const cost = directory.imported.codes('cost-centres').map((code) => told(code, '2026-02-01').rule);
      assert.equal(cost.filter((rule) => rule === 'practice-of-defence').length, 196);
      const unknown = cost.filter((rule) => rule === 'practice-unknown').length;
      assert.ok(unknown < 20, `${unknown} practices are not known`);
      for (const rule of [
        'practice-in-wales',
        'practice-in-crown-dependency',
        'practice-national',
        'practice-closed',
      ]) {
        assert.ok(cost.includes(rule as (typeof cost)[number]), rule);
      }
    });

    it('says what no region covers', () => {
      const uncovered = directory.subIcbs(TODAY).filter(({ region }) => region === undefined);
      const covered = directory.subIcbs(TODAY).filter(({ region }) => region !== undefined);
      assert.equal(covered.length, data.regions.flatMap((region) => region.sub_icbs).length);
      assert.equal(covered.length + uncovered.length, 106);
      assert.ok(uncovered.some(({ code }) => code === '06H'));
    });
  });
}
