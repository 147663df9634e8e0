import assert from 'node:assert/strict';

import { openStore, patientDigestOf } from '../../src/broker.ts';
import { loadSecrets } from '../../src/config/secrets.ts';
import { HouseError } from '../../src/errors.ts';
import { SYSTEM } from '../../src/fhir/codes.ts';
import type { Resource } from '../../src/fhir/resource.ts';
import type { Store } from '../../src/store/contracts.ts';
import { readAudit } from '../support/audit.ts';
import { startFederation, type RawConfig, type TestFederation } from '../support/federation.ts';
import { ScriptedPds } from '../support/scripted-pds.ts';
import { errorCode, issuesOf, rollCallOf, TestViewer } from '../support/viewer.ts';

const HOME = 'herts-west-essex';
const GLASS = { code: 'emergency', reason: 'unconscious on arrival' };

describe('a patient whom demographics told as restricted before they were away', () => {
  const pds = new ScriptedPds();
  const [patient = '', other = '', current = ''] = pds.patients('9990040000', Array(3).fill('E84005'));
  let federation: TestFederation;
  /** In the place of the broker's own store from its next start on. */
  let store: Store | undefined;
  before(async () => {
    federation = await startFederation({
      ...{ demographics: pds.listener, regions: [HOME, 'london'] },
      store: (region) => (region === HOME ? store : undefined),
      edit: (_region, config) => {
        (config['demographics'] as RawConfig)['breaker'] = { volume_threshold: 1000 };
      },
    });
  });
  after(() => federation.stop());
  beforeEach(() => {
    pds.isDown = false;
    store = undefined;
  });

  /** What was answered in this broker's life is forgotten, but for what the store has. */
  async function restart(): Promise<void> {
    await federation.stopBroker(HOME);
    await federation.startBroker(HOME);
  }
  async function reply(nhsNumber: string, claims = {}) {
    const viewer = new TestViewer(federation, HOME);
    const token = await viewer.token(nhsNumber, claims);
    const answered = await viewer.ask(nhsNumber, `/fhir/Condition?patient=${nhsNumber}`, { token });
    viewer.close();
    return answered;
  }
  async function ask(nhsNumber: string, claims = {}) {
    const { body } = await reply(nhsNumber, claims);
    const { [HOME]: home, london } = rollCallOf(body);
    return { rules: rulesOf(body), home, london };
  }
  const sentToLondon = async (): Promise<number> =>
    (await readAudit(federation.config(HOME))).filter(
      ({ event, region }) => event === 'query-sent' && region === 'london',
    ).length;

  const NOBODY = { home: ['not-asked', 'restricted'], london: ['not-asked', 'restricted'] };

  it('is asked about nowhere, over a restart; the answer names the rule; others are as they were', async () => {
    pds.told.set(patient, 'restricted');
    assert.deepEqual(await ask(patient), { rules: ['restricted'], ...NOBODY });
    await ask(other);
    pds.isDown = true;
    await restart();
    const before = await sentToLondon();
    assert.deepEqual(await ask(patient), { rules: ['restricted-before'], ...NOBODY });
    const stated = await ask(patient, { registered_practice: 'E84005' });
    assert.deepEqual(stated, { rules: ['restricted-before'], ...NOBODY });
    assert.equal(await sentToLondon(), before);
    const { rules, london } = await ask(other);
    assert.deepEqual(rules, ['demographics-not-reached', 'ask-all-agreed']);
    assert.deepEqual(london, ['none', 'ask-all']);
  });

  it('is asked about where the glass is broken, as one who is restricted now', async () => {
    pds.told.set(patient, 'restricted');
    await ask(patient);
    pds.isDown = true;
    await restart();
    const { rules, london } = await ask(patient, { break_glass: GLASS });
    assert.deepEqual(rules, ['restricted-before', 'break-glass']);
    assert.equal(london?.[1], 'break-glass');
  });

  it('is asked about again when demographics say that the patient is not restricted any more', async () => {
    pds.told.set(patient, 'restricted');
    await ask(patient);
    await restart();
    pds.told.set(patient, 'E84005');
    const { rules, london } = await ask(patient);
    assert.deepEqual([rules, london], [['registered'], ['none', 'registered']]);
    pds.isDown = true;
    await restart();
    assert.deepEqual((await ask(patient)).rules, ['demographics-not-reached', 'ask-all-agreed']);
  });

  it('is asked about under neither number where one was replaced', async () => {
    const [older = ''] = pds.patients('9990041000', [{ current, practice: 'E84005' }]);
    pds.told.set(older, { current, restricted: true }).set(current, 'restricted');
    assert.deepEqual((await ask(older)).rules, ['restricted', 'superseded']);
    pds.isDown = true;
    await restart();
    for (const number of [older, current]) {
      assert.deepEqual(await ask(number), { rules: ['restricted-before'], ...NOBODY });
    }
  });

  it('is asked about nowhere where that cannot be looked up, nor is anybody: as with any look-up of ours', async () => {
    pds.isDown = true;
    const opened = await openStore(federation.config(HOME));
    const of = () => Promise.reject(new HouseError('store-unavailable'));
    store = { ...opened, toldRestrictions: { ...opened.toldRestrictions, of } };
    await restart();
    const before = await sentToLondon();
    for (const number of [patient, other]) {
      const { status, body } = await reply(number);
      assert.deepEqual([status, errorCode(body)], [503, 'store-unavailable']);
    }
    assert.equal(await sentToLondon(), before);
  });

  it('is asked about nowhere where that cannot be written', async () => {
    const opened = await openStore(federation.config(HOME));
    const record = () => Promise.reject(new HouseError('store-unavailable'));
    store = { ...opened, toldRestrictions: { ...opened.toldRestrictions, record } };
    await restart();
    pds.told.set(other, 'restricted');
    assert.deepEqual(await ask(other), { rules: ['restricted'], ...NOBODY });
    pds.told.set(other, 'E84005');
  });

  it('is kept as a digest and a time, and no number is in any line of a log', async () => {
    pds.told.set(patient, 'restricted');
    await restart();
    await ask(patient);
    const config = federation.config(HOME);
    const beside = await openStore(config);
    const digest = patientDigestOf(loadSecrets(config.secretsDirectory))(patient);
    const rows = await beside.toldRestrictions.of([digest, patient]);
    await beside.close();
    assert.deepEqual(
      rows.map((row) => Object.keys(row).sort()),
      [['patient', 'told']],
    );
    assert.equal(rows[0]?.patient, digest);
    assert.doesNotMatch(federation.logged.join('\n'), /999\d{7}/);
  });
});

function rulesOf(body: Resource): (string | undefined)[] {
  const codings = issuesOf(body).flatMap(({ details }) => details.coding ?? []);
  return codings.filter(({ system }) => system === SYSTEM.rule).map(({ code }) => code);
}
