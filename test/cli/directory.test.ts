import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { openStore } from '../../src/broker.ts';
import { auditCommand } from '../../src/cli/audit.ts';
import { directoryCommand } from '../../src/cli/directory.ts';
import { routeCommand } from '../../src/cli/route.ts';
import { wayleave, type Ran } from '../support/command.ts';
import { startFederation, type TestFederation } from '../support/federation.ts';
import { costCentreLine, icbLine, odsFiles, practiceMap } from '../support/ods-files.ts';
import { until } from '../support/until.ts';
import { called } from './in-process.ts';

const HERE = 'herts-west-essex';
const PATIENT = '9990000018';

interface ToldFile {
  readonly kind: string;
  readonly date: string;
  readonly dated_by: string;
  readonly new: number;
  readonly closed: number;
  readonly moved: number;
  readonly same: number;
  readonly refused: readonly { line: number }[];
}
interface Told {
  readonly imported: boolean;
  readonly generation?: number;
  readonly files: readonly ToldFile[];
}

describe('wayleave directory', () => {
  let federation: TestFederation;
  let config: string;
  const file = (name: string, text: string): string => {
    const path = join(federation.directory, name);
    writeFileSync(path, text);
    return path;
  };
  const run = (...words: string[]): Promise<Ran> => called(directoryCommand, [...words, '--config', config]);
  const json = async <Type>(...words: string[]): Promise<Type> => {
    const { out, err } = await run(...words, '--json');
    assert.equal(err, '');
    return JSON.parse(out) as Type;
  };
  const generation = async (): Promise<number> => {
    const store = await openStore(federation.config(HERE));
    try {
      return await store.directory.generation();
    } finally {
      await store.close();
    }
  };
  before(async function () {
    this.timeout(60_000);
    federation = await startFederation({ regions: [HERE] });
    config = join(federation.directory, `${HERE}.yaml`);
  });
  after(() => federation.stop());

  const OLD = costCentreLine({ code: 'F81027' }) + costCentreLine({ code: 'E82006', commissioner: '06K' });

  it('works without an import, by the directory file', async () => {
    const found = await json<object>('show', 'F81027', '--at', '2026-11-23');
    assert.deepEqual(found, {
      ...{ code: 'F81027', at: '2026-11-23', subIcb: '07H', icb: 'D7T5G', region: HERE },
      ...{ rule: 'commissioner', files: [] },
    });
    const { code, err } = await run('show', 'F81062');
    assert.deepEqual([code, err.includes('F81062')], [1, true]);
  });

  it('tries an import and changes nothing', async () => {
    const told = await json<Told>('import', file('epraccur_2025-08.csv', OLD), '--dry-run');
    assert.deepEqual([told.imported, told.files[0]?.new], [false, 2]);
    assert.equal(await generation(), 0);
  });

  it('imports, says what it made of it, and once more changes nothing', async () => {
    const name = file('epraccur_2025-08.csv', OLD);
    const told = await json<Told>('import', name);
    const { kind, date, dated_by: datedBy } = told.files[0] ?? assert.fail();
    assert.deepEqual([told.imported, kind, date, datedBy], [true, 'cost-centres', '2025-08-01', 'name']);
    const again = await json<Told>('import', name);
    assert.deepEqual([again.imported, again.files[0]?.new, again.files[0]?.same], [false, 0, 2]);
    assert.equal(await generation(), told.generation);
    const { out } = await called(auditCommand, [
      'search',
      '--event',
      'directory-imported',
      '--config',
      config,
      '--json',
    ]);
    assert.equal(out.split('directory-imported').length - 1, 1);
  });

  it('is taken by the broker that runs, and by the commands', async () => {
    const moved = costCentreLine({ code: 'F81027', commissioner: '06H', joined: '20260201' });
    const closed = costCentreLine({
      code: 'E82006',
      commissioner: '06K',
      status: 'INACTIVE',
      closed: '20260131',
    });
    const name = file('epraccur_2026-02.csv', moved + closed);
    const differs = await json<{
      differences: { code: string; after: { rule?: string; status?: string } }[];
    }>('diff', name);
    assert.deepEqual(
      differs.differences.map(({ code, after }) => [code, after.rule, after.status]),
      [
        ['E82006', undefined, 'closed'],
        ['F81027', 'home-outside-federation', undefined],
      ],
    );
    const told = await json<Told>('import', name);
    assert.deepEqual([told.files[0]?.moved, told.files[0]?.closed], [1, 1]);
    await until(() => federation.logged.some((line) => line.includes('the imported directory has changed')));
    const routed = await called(routeCommand, [PATIENT, '--config', config, '--json']);
    const { rules } = JSON.parse(routed.out) as { rules: string[] };
    assert.deepEqual(rules, ['home-outside-federation', 'ask-all-agreed']);
    const before = await json<{ region?: string }>('show', 'F81027', '--at', '2026-01-31');
    assert.equal(before.region, HERE);
  });

  it('lists, by pages and filters, and compares two days', async () => {
    const page = await json<{ total: number; pages: number; codes: { code: string }[] }>(
      ...['list', '--status', 'closed', '--at', '2026-11-23', '--page-size', '1'],
    );
    assert.deepEqual([page.total, page.pages, page.codes[0]?.code], [1, 1, 'E82006']);
    const { differences } = await json<{ differences: { code: string; before: object; after: object }[] }>(
      ...['diff', '--from', '2026-01-31', '--to', '2026-03-01'],
    );
    assert.deepEqual(
      differences.map(({ code }) => code),
      ['E82006', 'F81027'],
    );
    const regions = await json<{ regions: { region: string }[]; uncovered: { code: string }[] }>('regions');
    assert.ok(regions.regions.some(({ region }) => region === HERE));
    assert.ok(regions.uncovered.some(({ code }) => code === '06H'));
  });

  it('fills the past with an older file, and overturns nothing', async () => {
    const older = costCentreLine({ code: 'F81027', commissioner: '06N', joined: '20130401' });
    await json<Told>('import', file('older.csv', older), '--as-of', '2024-01-01');
    const subIcb = async (day: string) =>
      (await json<{ subIcb?: string }>('show', 'F81027', '--at', day)).subIcb;
    assert.deepEqual(
      [await subIcb('2024-06-01'), await subIcb('2025-09-01'), await subIcb('2026-11-01')],
      ['06N', '07H', '06H'],
    );
  });

  it('refuses a file whole, with all that came with it, and names the line', async () => {
    const was = await generation();
    const good = file('map.csv', practiceMap([['F81027', '07H', 'D7T5G']]));
    const half = file('half.csv', OLD.slice(0, -40));
    const { code, err } = await run('import', good, half);
    assert.equal(code, 1);
    assert.match(err, /half\.csv:2: /);
    for (const words of [
      ['import', join(federation.directory, 'not there')],
      ['import', file('other.csv', 'a,b\n')],
      ['import', good, '--as-of', '2026-07-01'],
      ['import', file('plain.csv', OLD), '--as-of', '2999-01-01'],
    ]) {
      assert.equal((await run(...words)).code, 1);
    }
    assert.equal((await run('import', good, '--as-of', 'yesterday')).code, 2);
    assert.equal(await generation(), was);
  });

  it('refuses a file whose day nothing says where one of its kind was imported: it may be older', async () => {
    const was = await generation();
    const undated = file('epraccur.csv', OLD);
    for (const words of [
      ['import', undated],
      ['import', undated, '--dry-run'],
      ['diff', undated],
    ]) {
      const { code, err } = await run(...words);
      assert.deepEqual([code, err.includes('epraccur.csv'), err.includes('--as-of')], [1, true, true]);
    }
    assert.equal(await generation(), was);
    const differs = await run('diff', undated, '--as-of', '2025-08-01');
    assert.equal(differs.code, 0);
    // The first of its kind is as of today, and the same again on that day changes nothing.
    const first = file('etr.csv', icbLine('RAP', 'QMJ', { type: 'H' }));
    for (const imported of [true, false]) {
      const told = await json<Told>('import', first);
      assert.deepEqual([told.imported, told.files[0]?.dated_by], [imported, 'today']);
    }
    const other = file('etr.csv', icbLine('RAP', 'QH8', { type: 'H' }));
    assert.equal((await run('import', other)).code, 1);
  });

  it('takes the other lines where some are refused, and ends with 3', async () => {
    const lines = Array.from({ length: 12 }, (_, n) => costCentreLine({ code: `E821${10 + n}` })).join('');
    const bad = costCentreLine({ code: 'E82110', commissioner: '36L' });
    const { code, out } = await run('import', file('epraccur_2026-03.csv', lines + bad), '--json');
    const { files } = JSON.parse(out) as Told;
    assert.deepEqual([code, files[0]?.new, files[0]?.refused.map(({ line }) => line)], [3, 12, [13]]);
  });

  it('says in its help what it takes', async () => {
    for (const command of ['import', 'diff', 'show', 'list', 'regions']) {
      const { code, out } = await run(command, '--help');
      assert.deepEqual([code, out.includes('--json')], [0, true]);
    }
    assert.equal((await run('diff')).code, 2);
    assert.equal((await run('show', 'no code')).code, 2);
    assert.equal((await run('list', '--page', '0')).code, 2);
  });

  if (odsFiles !== undefined) {
    it('imports the whole country in one command, in seconds', async function () {
      this.timeout(60_000);
      const names = [
        'gp-reg-pat-prac-map_2026-08-01.csv',
        'epraccur_2026-02.csv',
        'etr_2026-07.csv',
        'eccg_2025-12.csv',
      ];
      const files = names.map((name) => join(odsFiles ?? '', name));
      const { code, out } = await wayleave('directory', 'import', ...files, '--config', config, '--json');
      const { files: told } = JSON.parse(out) as Told;
      assert.equal(code, 0);
      assert.deepEqual(told.map(({ kind }) => kind).toSorted(), [
        'cost-centres',
        'practice-map',
        'sub-icbs',
        'trusts',
      ]);
      const shown = await wayleave(
        'directory',
        'show',
        'F81062',
        '--at',
        '2026-03-31',
        '--config',
        config,
        '--json',
      );
      const { region, subIcb, icb } = JSON.parse(shown.out) as Record<string, string>;
      assert.deepEqual([region, subIcb, icb], [HERE, '07H', 'QM7']);
    });
  }
});
