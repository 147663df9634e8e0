import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { startFederation, type TestFederation } from '../support/federation.ts';
import { BesideBroker } from '../support/noticing.ts';
import { statementWith } from '../support/statement.ts';
import { rollCallOf, TestViewer } from '../support/viewer.ts';

const PATIENT = '9990000018';
const NOT_TRUSTED = ['not-reached', 'handover', 'not-trusted'];

describe('what neighbours told of a patient, when the patient is asked for', () => {
  let federation: TestFederation;
  let herts: BesideBroker;
  /** How far the brokers' clocks are ahead. */
  let ahead = 0;
  before(async () => {
    federation = await startFederation({
      ...{ regions: ['herts-west-essex', 'london', 'essex-suffolk'], now: () => Date.now() + ahead },
    });
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
    const iat = Math.floor((Date.now() + ahead) / 1000);
    const token = await viewer.token(PATIENT, { iat, exp: iat + 60 });
    const { body } = await viewer.ask(PATIENT, `/fhir/AllergyIntolerance?patient=${PATIENT}`, { token });
    viewer.close();
    return rollCallOf(body);
  }

  async function restart(): Promise<void> {
    await federation.stopBroker('herts-west-essex');
    await federation.startBroker('herts-west-essex');
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
    await restart();
    assert.deepEqual(await counts(), expected);
  });

  it('one whose statement has ended is not reached, not trusted, and never left out; after a restart as well', async () => {
    const file = join(federation.directory, 'keys/essex-suffolk/public/entity-statement.jwt');
    const former = readFileSync(file);
    const soon = { claims: () => ({ exp: Math.floor(Date.now() / 1000) + 3_600 }) };
    writeFileSync(file, (await statementWith(federation, 'essex-suffolk', undefined, soon)).token);
    await restart();
    assert.equal((await ask())['essex-suffolk']?.[0], 'none');
    ahead = 2 * 3_600_000;
    assert.deepEqual((await ask())['essex-suffolk'], NOT_TRUSTED);
    await restart();
    assert.deepEqual((await ask())['essex-suffolk'], NOT_TRUSTED);
    writeFileSync(file, former);
    ahead = 0;
    await restart();
  });

  it('one that is trusted no more is not reached, not trusted, and never left out; after a restart as well', async () => {
    const desk = federation.broker('herts-west-essex').trust;
    const said = { by: 'officer-1', why: 'tried' };
    await desk.revoke('essex-suffolk', { kind: 'neighbour' }, { reason: 'unspecified' }, said);
    assert.deepEqual((await ask())['essex-suffolk'], NOT_TRUSTED);
    await restart();
    assert.deepEqual((await ask())['essex-suffolk'], NOT_TRUSTED);
  });
});
