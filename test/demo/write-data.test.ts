import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readNdjson } from '../../src/demo/ndjson.ts';
import { RECORD_IDS, REGION_IDS } from '../../src/demo/places.ts';
import { buildStories } from '../../src/demo/stories.ts';
import { writeDemoData } from '../../src/demo/write-data.ts';

const NOW = new Date('2026-11-20T12:00:00Z');

describe('writeDemoData', () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'wayleave-demo-'));
  });
  after(() => rm(directory, { recursive: true }));

  it('writes every file of the layout, whole', async () => {
    const data = buildStories(NOW);
    const target = join(directory, 'new');
    await writeDemoData(target, data);
    const json = async (file: string): Promise<unknown> =>
      JSON.parse(await readFile(join(target, file), 'utf8'));
    for (const record of RECORD_IDS) {
      assert.deepEqual(await readNdjson(join(target, `${record}.ndjson`)), data.records[record]);
    }
    assert.deepEqual(await json('pds.json'), data.demographics);
    for (const region of REGION_IDS) {
      assert.deepEqual(await json(`care-locations/${region}.json`), data.careLocations[region]);
    }
    assert.equal(
      await readFile(join(target, 'objections/london.csv'), 'utf8'),
      'nhs_number,kind,from,reason\n9990000077,objection,2026-03-15,The patient objects to sharing outside London\n',
    );
    assert.equal(
      await readFile(join(target, 'objections/essex-suffolk.csv'), 'utf8'),
      'nhs_number,kind,from,reason\n',
    );
  });

  it('quotes what CSV needs quoted, and writes over what was there', async () => {
    const data = buildStories(NOW);
    const objections = data.objections.map((objection) => ({ ...objection, reason: 'said "no", twice' }));
    await writeDemoData(directory, data);
    await writeDemoData(directory, { ...data, objections });
    const [, row] = (await readFile(join(directory, 'objections/london.csv'), 'utf8')).split('\n');
    assert.equal(row, '9990000077,objection,2026-03-15,"said ""no"", twice"');
  });
});
