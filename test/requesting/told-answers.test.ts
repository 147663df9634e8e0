import assert from 'node:assert/strict';

import { startFederation, type TestFederation } from '../support/federation.ts';
import { BesideBroker } from '../support/noticing.ts';
import { rollCallOf, TestViewer } from '../support/viewer.ts';

const PATIENT = '9990000018';

describe('what neighbours told of a patient, when the patient is asked for', () => {
  let federation: TestFederation;
  let herts: BesideBroker;
  before(async () => {
    federation = await startFederation({ regions: ['herts-west-essex', 'london', 'essex-suffolk'] });
    herts = await BesideBroker.of(federation, 'herts-west-essex');
    const of = { patient: herts.digest(PATIENT), firstTold: Date.now(), lastTold: Date.now() };
    await herts.store.knownRegions.record([
      { ...of, region: 'london', how: 'notice', from: 'london' },
      { ...of, region: 'essex-suffolk', how: 'handover', from: 'london' },
      { ...of, region: 'west-midlands', how: 'handover', from: 'essex-suffolk' },
    ]);
  });
  after(async () => {
    await herts.store.close();
    await federation.stop();
  });

  async function ask(): Promise<ReturnType<typeof rollCallOf>> {
    const viewer = new TestViewer(federation, 'herts-west-essex');
    const { body } = await viewer.ask(PATIENT, `/fhir/AllergyIntolerance?patient=${PATIENT}`);
    viewer.close();
    return rollCallOf(body);
  }

  const counts = async (): Promise<string[]> => {
    const { patientNotices } = await federation.broker('herts-west-essex').status();
    return (patientNotices ?? assert.fail()).tellers.map(
      ({ region, how, answered, none, withheld, ...one }) =>
        `${region} ${how}: ${answered} ${none} ${withheld} ${one['not-reached']}`,
    );
  };

  it('what is answered is counted for who told, by how it was told, and outlasts a restart', async () => {
    const roll = await ask();
    assert.deepEqual(
      ['london', 'essex-suffolk', 'west-midlands'].map((region) => roll[region]?.[0]),
      ['answered', 'none', 'not-reached'],
    );
    const expected = [
      'essex-suffolk handover: 0 0 0 1',
      'london handover: 0 1 0 0',
      'london notice: 1 0 0 0',
    ];
    assert.deepEqual((await counts()).sort(), expected);
    await federation.stopBroker('herts-west-essex');
    await federation.startBroker('herts-west-essex');
    assert.deepEqual(await counts(), expected);
  });

  it('one that is trusted no more is not reached, not trusted, and never left out; after a restart as well', async () => {
    const desk = federation.broker('herts-west-essex').trust;
    const said = { by: 'officer-1', why: 'tried' };
    await desk.revoke('essex-suffolk', { kind: 'neighbour' }, { reason: 'unspecified' }, said);
    const expected = ['not-reached', 'handover', 'not-trusted'];
    assert.deepEqual((await ask())['essex-suffolk'], expected);
    await federation.stopBroker('herts-west-essex');
    await federation.startBroker('herts-west-essex');
    assert.deepEqual((await ask())['essex-suffolk'], expected);
  });
});
