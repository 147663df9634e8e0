import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { AuditTrail } from '../../src/audit/trail.ts';
import { DirectorySource } from '../../src/broker/directory-source.ts';
import { ImportedDirectory } from '../../src/routing/imported-directory.ts';
import { prepareImport, datedFile } from '../../src/routing/prepare-directory-import.ts';
import type { Store } from '../../src/store/contracts.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { costCentreLine } from '../support/ods-files.ts';
import { odsAffiliation } from '../support/ods-resources.ts';
import { until } from '../support/until.ts';
import { SILENT } from '../upstream/scripted-server.ts';

const NOW = Date.parse('2026-11-23T12:00:00Z');
const HOUR = 3_600_000;

describe('the source of changes of the directory', () => {
  let directory: string;
  let store: Store;
  let source: DirectorySource | undefined;
  let asked: string[];
  let told: number[];
  let now: number;
  let looked: number;
  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'wayleave-source-'));
    store = await openSqliteStore(join(directory, 'store.db'));
    asked = [];
    told = [];
    now = NOW;
    looked = 0;
  });
  afterEach(async () => {
    await source?.stop();
    source = undefined;
    await store.close();
    rmSync(directory, { recursive: true });
  });

  const start = (since: () => Promise<unknown[]>): void => {
    const trail = { directoryImported: async (_: string, count: number) => void told.push(count) };
    source = new DirectorySource(
      {
        ...{
          store,
          trail: () => trail as unknown as AuditTrail,
          everyMs: 24 * HOUR,
          log: SILENT,
          now: () => ((looked += 1), now),
        },
        changes: {
          since: (day) => {
            asked.push(day);
            return since();
          },
        },
      },
      1,
    );
    source.start();
  };
  const importFile = async (): Promise<void> => {
    const bytes = Buffer.from(costCentreLine({ code: 'F81027' }));
    const given = datedFile({ file: 'epraccur_2026-02.csv', bytes }, undefined, '2026-11-23');
    const stored = await store.directory.read();
    assert.ok(await store.directory.replace(stored.generation, prepareImport(stored, [given], NOW).change));
  };
  const subIcb = async (day: string): Promise<string | undefined> =>
    new ImportedDirectory(await store.directory.read()).at('F81027', day)?.subIcb;

  it('is asked since the day of the file, then since its own, once in its interval; what it tells is imported', async () => {
    await importFile();
    start(async () => [odsAffiliation('F81027', '06N', { start: '2026-11-01' })]);
    await until(() => told.length === 1);
    assert.deepEqual([asked, told], [['2026-02-01'], [1]]);
    assert.deepEqual([await subIcb('2026-10-31'), await subIcb('2026-11-01')], ['07H', '06N']);
    now += 25 * HOUR;
    await until(() => told.length === 2);
    assert.deepEqual(
      [asked, told],
      [
        ['2026-02-01', '2026-11-23'],
        [1, 0],
      ],
    );
  });

  it('and a newer file counts after it, an older one does not', async () => {
    await importFile();
    start(async () => [odsAffiliation('F81027', '06N', { start: '2026-11-01' })]);
    await until(() => told.length === 1);
    for (const [file, commissioner, expected] of [
      ['epraccur_2026-05.csv', '07H', '06N'],
      ['epraccur_2026-12.csv', '36L', '36L'],
    ] as const) {
      const bytes = Buffer.from(costCentreLine({ code: 'F81027', commissioner }));
      const stored = await store.directory.read();
      const given = datedFile({ file, bytes }, undefined, '2026-12-24');
      assert.ok(await store.directory.replace(stored.generation, prepareImport(stored, [given], NOW).change));
      assert.equal(await subIcb('2026-12-20'), expected);
    }
  });

  it('changes nothing where it fails, and is not asked again at once', async () => {
    await importFile();
    const { generation } = await store.directory.read();
    start(async () => {
      throw new Error('down');
    });
    await until(() => asked.length === 1);
    now += 60_000;
    looked = 0;
    await until(() => looked > 3);
    await source?.stop();
    assert.deepEqual([asked.length, told, (await store.directory.read()).generation], [1, [], generation]);
  });

  it('is not asked where no file was imported', async () => {
    start(async () => []);
    await until(() => looked > 3);
    await source?.stop();
    assert.deepEqual([asked, told], [[], []]);
  });
});
