import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { REGION_IDS } from '../../../src/demo/places.ts';
import { FIFTH_NUMBERS } from '../../../src/demo/stories.ts';
import type { Bundle, Resource } from '../../../src/fhir/resource.ts';
import { documentedBlocks, pasted } from '../../support/documented.ts';
import { snapshotOf } from '../../support/own-pair.ts';
import { DemoViewer, isRunning, ROOT, STATE } from '../../support/running-demo.ts';
import { until } from '../../support/until.ts';
import { matchesOf, rollCallOf } from '../../support/viewer.ts';

export const FIFTH = join(STATE, 'gm');
const REGION = 'greater-manchester';
const NHS_NUMBER = FIFTH_NUMBERS.salford;

/** A newcomer copies the commands of docs/trust.md, block by block, with the demo running. */
export function fifthRegion(): void {
  describe('a fifth region joins by the commands of docs/trust.md', function () {
    // Some thirty processes one after another, on a machine that may be busy.
    this.timeout(180_000);
    const blocks = documentedBlocks('docs/trust.md', 'A fifth region in the demo');
    const [outside = '', make = '', start = '', enrol = '', ask = '', end = ''] = blocks;
    const digests = (): string[] =>
      ['config', ...REGION_IDS.map((region) => `certs-dev/generated/${region}`)].flatMap((place) =>
        Object.entries(snapshotOf(join(ROOT, place))).map(
          ([file, text]) => `${place}/${file} ${hash('sha256', text)}`,
        ),
      );
    let untouched: string[];
    let viewer: DemoViewer;
    const ofHerts = async (): Promise<Resource> =>
      (await viewer.ask(NHS_NUMBER, `/fhir/MedicationRequest?patient=${NHS_NUMBER}`)).resource;

    before(() => {
      viewer = new DemoViewer('herts-west-essex');
      untouched = digests();
    });
    after(() => running().forEach((pid) => process.kill(pid, 'SIGKILL')));

    it('has six blocks of commands', () => assert.equal(blocks.length, 6));

    it('before: nobody knows such a region, and the patient is registered outside', async () => {
      assert.match(await pasted(outside), /registered outside/);
      assert.deepEqual(Object.keys(rollCallOf(await ofHerts())).sort(), [...REGION_IDS].sort());
    });

    it('is made and started', async () => {
      await pasted(make);
      await pasted(start);
      await until(() => running().length === 2, 'broker and record');
      assert.ok(!(REGION in rollCallOf(await ofHerts())));
    });

    it('is enrolled at the four, and the four at it, by two officers each', async () => {
      const out = await pasted(enrol);
      for (const region of REGION_IDS) {
        assert.match(out, new RegExp(`^${region}: PROPOSED by officer-1`, 'm'));
        assert.match(out, new RegExp(`^${region} +trusted`, 'm'));
      }
      assert.equal(out.match(/^greater-manchester: trusted, enrolled$/gm)?.length, REGION_IDS.length);
    });

    it('is asked for its patients, for one who was treated there, and asks the others', async () => {
      const rows = (await pasted(ask)).split('\n').map((line) => line.split(/ {2,}/));
      const answered = rows.filter(([, , outcome]) => outcome === 'answered');
      assert.deepEqual(
        answered.map(([region, because]) => [region, because]),
        [
          [REGION, 'registered'],
          [REGION, 'care-location'],
          ['herts-west-essex', 'registered'],
        ],
      );
      const told = await ofHerts();
      assert.deepEqual(rollCallOf(told)[REGION], ['answered', 'registered']);
      assert.match(JSON.stringify(matchesOf(told)), /Apixaban/);
    });

    it('and touched no file of the four', () => assert.deepEqual(digests(), untouched));

    it('is not reached, for want of trust, at the region that revokes it; and stops', async () => {
      await pasted(end);
      const told = await ofHerts();
      assert.deepEqual(rollCallOf(told)[REGION], ['not-reached', 'registered', 'not-trusted']);
      assert.deepEqual((told as Bundle).entry?.filter(({ search }) => search?.mode === 'match') ?? [], []);
      await until(() => running().length === 0);
    });
  });
}

/** The processes of the fifth region that run. */
function running(): number[] {
  if (!existsSync(FIFTH)) return [];
  return readdirSync(FIFTH)
    .filter((name) => name.endsWith('.pid'))
    .map((name) => Number(readFileSync(join(FIFTH, name), 'utf8')))
    .filter((pid) => pid > 1 && isRunning(pid));
}
