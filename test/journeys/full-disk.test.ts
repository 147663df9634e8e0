import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

import { loadConfig } from '../../src/config/load.ts';
import type { RegionId } from '../../src/demo/places.ts';
import { ASKING, configFile, preparePlaces } from '../bench/places.ts';
import { Measured } from '../bench/processes.ts';
import { errorCode, rollCallOf } from '../support/viewer.ts';
import { bundleOf, PlacesViewer } from '../faults/asking-places.ts';
import { readAudit } from '../support/audit.ts';

const SOON_MS = 20_000;
const ANSWERING: RegionId = 'london';

/**
 * A limit on the size of files is to a program what a full disk is: a write comes back with an error. It can be put
 * on a running process, and taken away, by anybody who may signal it (prlimit, util-linux).
 */
function diskOf({ pid }: Measured, limit: 'full' | 'free'): void {
  const size = limit === 'full' ? '1:' : 'unlimited:';
  execFileSync('prlimit', [`--pid=${pid}`, `--fsize=${size}`]);
}

describe('a broker whose disk is full', () => {
  const running: Measured[] = [];
  let asking: Measured;
  let answering: Measured;
  let viewer: PlacesViewer;

  before(async function () {
    this.timeout(60_000);
    const places = await preparePlaces({ window_ms: 1_000, reset_ms: 200, probe_ms: 500 });
    const plan = {
      records: Object.values(places.regions).map(({ record }) => record),
      demographics: places.demographics,
    };
    running.push(await Measured.ownFile('stand-ins', 'stand-ins.ts', plan));
    const broker = async (region: RegionId): Promise<Measured> => {
      const one = await Measured.broker(region, places.regions[region].admin, undefined);
      running.push(one);
      return one;
    };
    [asking, answering] = await Promise.all([broker(ASKING), broker(ANSWERING)]);
    viewer = PlacesViewer.of(places);
  });
  after(async () => {
    viewer.close();
    await Promise.all(running.map((one) => one.stop()));
  });

  async function soonAnswered(): Promise<void> {
    for (const until = Date.now() + SOON_MS; Date.now() < until; await sleep(200)) {
      const asked = await viewer.ask();
      if (asked.status === 200 && rollCallOf(bundleOf(asked))[ANSWERING]?.[0] === 'answered') return;
    }
    const last = await viewer.ask();
    throw new assert.AssertionError({
      message: `was not answered again: ${last.status} ${last.text.slice(0, 600)}`,
    });
  }

  it('answers before that', () => soonAnswered());

  it('at the responder: it says nothing, the asker says that it was not reached, and it is back by itself', async () => {
    const { length } = await readAudit(loadConfig(configFile(ANSWERING)));
    diskOf(answering, 'full');
    for (let count = 0; count < 5; count += 1) {
      const asked = await viewer.ask();
      assert.ok(asked.whole);
      assert.doesNotMatch(asked.text, /"resourceType":"Condition"/);
      assert.equal(rollCallOf(bundleOf(asked))[ANSWERING]?.[0], 'not-reached');
    }
    diskOf(answering, 'free');
    assert.equal((await readAudit(loadConfig(configFile(ANSWERING)))).length, length);
    await soonAnswered();
  });

  it('at the asker: 503, nothing is asked and nothing is shown, and it is back by itself', async () => {
    const heard = (await readAudit(loadConfig(configFile(ANSWERING)))).length;
    diskOf(asking, 'full');
    for (let count = 0; count < 5; count += 1) {
      const asked = await viewer.ask();
      assert.deepEqual([asked.status, errorCode(bundleOf(asked))], [503, 'audit-unavailable']);
      assert.doesNotMatch(asked.text, /"resourceType":"Condition"/);
    }
    assert.equal((await readAudit(loadConfig(configFile(ANSWERING)))).length, heard);
    diskOf(asking, 'free');
    await soonAnswered();
  });
});
