import assert from 'node:assert/strict';

import { mergeDemoData } from '../../src/demo/demo-data.ts';
import type { RegionId } from '../../src/demo/places.ts';
import { buildMoves, buildStories, MOVE_NUMBERS } from '../../src/demo/stories.ts';
import type { Bundle } from '../../src/fhir/resource.ts';
import { startFederation, type TestFederation } from '../support/federation.ts';
import { BesideBroker } from '../support/noticing.ts';
import { until } from '../support/until.ts';
import { matchesOf, rollCallOf, TestViewer, warningsOf } from '../support/viewer.ts';

const { threeRegions, handedOver, notHandedOver } = MOVE_NUMBERS;

describe('what regions tell each other, asked from Harlow', () => {
  let federation: TestFederation;
  let viewer: TestViewer;
  before(async () => {
    const now = new Date();
    federation = await startFederation({ data: mergeDemoData(buildStories(now), buildMoves(now)) });
    viewer = new TestViewer(federation, 'herts-west-essex');
  });
  after(async () => {
    viewer.close();
    await federation.stop();
  });

  async function comesToKnow(region: RegionId, nhsNumber: string, what: string): Promise<void> {
    const beside = await BesideBroker.of(federation, region);
    try {
      await until(async () => (await beside.known(nhsNumber)).includes(what), `that ${region} knows`);
    } finally {
      await beside.store.close();
    }
  }

  it('a Suffolk patient was treated in Birmingham: a notice told Suffolk, and Suffolk tells Harlow', async () => {
    await comesToKnow('essex-suffolk', threeRegions, 'west-midlands notice west-midlands');
    const { body } = await viewer.ask(threeRegions, `/fhir/AllergyIntolerance?patient=${threeRegions}`);
    assert.deepEqual(rollCallOf(body), {
      'herts-west-essex': ['not-asked', 'own-record'],
      london: ['not-asked', 'no-reason'],
      'essex-suffolk': ['none', 'registered'],
      'west-midlands': ['answered', 'located'],
    });
    assert.match(JSON.stringify(matchesOf(body)), /Penicillin/);
    assert.deepEqual([warningsOf(body), (body as Bundle).total], [[], 1]);
  });

  it('who moved from Birmingham last month is found by the handover', async () => {
    await comesToKnow('herts-west-essex', handedOver, 'west-midlands handover west-midlands');
    const { body } = await viewer.ask(handedOver, `/fhir/MedicationRequest?patient=${handedOver}`);
    assert.deepEqual(rollCallOf(body)['west-midlands'], ['answered', 'handover']);
    assert.equal(matchesOf(body).length, 1);
    assert.deepEqual(warningsOf(body), []);
  });

  it('and without one the answer says that it may be incomplete', async () => {
    const { body } = await viewer.ask(notHandedOver, `/fhir/MedicationRequest?patient=${notHandedOver}`);
    assert.deepEqual(rollCallOf(body)['west-midlands'], ['not-asked', 'no-reason']);
    assert.deepEqual(warningsOf(body), ['incomplete']);
    assert.equal('total' in body, false);
  });

  it('what came is asked for before it is decided', async () => {
    const { store, digest } = await BesideBroker.of(federation, 'herts-west-essex');
    const at = Date.now() + 600_000;
    const told = { sender: 'west-midlands', region: 'west-midlands', how: 'notice' } as const;
    const row = { ...told, patient: digest(notHandedOver), sealedNumber: new Uint8Array([0]) };
    // In the future: nobody takes it to decide on it meanwhile.
    await store.noticeInbox.keep([{ ...row, firstTold: at, lastTold: at }], 10);
    await store.close();
    const { body } = await viewer.ask(notHandedOver, `/fhir/MedicationRequest?patient=${notHandedOver}`);
    assert.deepEqual(rollCallOf(body)['west-midlands'], ['answered', 'notice']);
    assert.equal(matchesOf(body).length, 1);
  });
});
