import assert from 'node:assert/strict';

import type { Store } from '../../src/store/contracts.ts';
import { openStore } from '../../src/broker.ts';
import type { NoticeClaims } from '../../src/evidence/notice.ts';
import { failures, withLog } from '../audit/evidence-of.ts';
import { readAudit, type AuditRow } from '../support/audit.ts';
import { startFederation, type RawConfig, type TestFederation } from '../support/federation.ts';
import { BesideBroker } from '../support/noticing.ts';
import { ScriptedPds } from '../support/scripted-pds.ts';
import { until } from '../support/until.ts';
import { TestViewer } from '../support/viewer.ts';

const LONDON = 'E84005';
const HERTS = 'F81027';
const BIRMINGHAM = 'M85172';
const LATER_MS = 10 * 60_000;

describe('telling home regions, between real brokers', () => {
  const pds = new ScriptedPds();
  let federation: TestFederation;
  let herts: BesideBroker;
  let london: BesideBroker;
  /** How far the brokers' clocks are ahead. */
  let ahead = 0;
  /** While true, Hertfordshire's broker dies when it is to keep that a region was told. */
  let dies = false;
  let deaths = 0;

  before(async () => {
    let opened: Store | undefined;
    federation = await startFederation({
      ...{ demographics: pds.listener, regions: ['herts-west-essex', 'london', 'essex-suffolk'] },
      now: () => Date.now() + ahead,
      store: (region) => (region === 'herts-west-essex' ? opened : undefined),
      edit: (region, config) => {
        (config['demographics'] as RawConfig)['cache'] = { entries: 0 };
        (config['demographics'] as RawConfig)['breaker'] = { volume_threshold: 1000 };
        if (region !== 'herts-west-essex') return;
        config['patient_notices'] = { every_ms: 50, sensitive_services: ['RWH', 'RWG02'] };
        const neighbours = config['neighbours'] as RawConfig[];
        const ended = neighbours.find((one) => one['region'] === 'west-midlands') ?? assert.fail();
        ended['agreement'] = { ...(ended['agreement'] as RawConfig), until: '2026-04-02' };
      },
    });
    herts = await BesideBroker.of(federation, 'herts-west-essex');
    london = await BesideBroker.of(federation, 'london');
    // From its next start on it has a store that a test can let die.
    const restart = async (): Promise<void> => {
      await federation.stopBroker('herts-west-essex');
      opened = mortal(
        await openStore(federation.config('herts-west-essex')),
        () => dies && (deaths += 1) > 0,
      );
      await federation.startBroker('herts-west-essex');
    };
    restartHerts = restart;
    await restart();
  });
  after(async () => {
    await Promise.all([herts.store.close(), london.store.close()]);
    await federation.stop();
  });
  let restartHerts: () => Promise<void>;

  const logOf = (region: 'herts-west-essex' | 'london'): Promise<AuditRow[]> =>
    readAudit(federation.config(region));
  const told = (nhsNumber: string): Promise<void> =>
    until(async () => (await herts.toldTo(nhsNumber)) !== undefined, 'that it is told');
  const noticesOf = async (nhsNumber: string): Promise<number> =>
    (await onTheWire()).filter((number) => number === nhsNumber).length;

  /** A clinician asks, so that demographics are asked. */
  async function ask(nhsNumber: string): Promise<void> {
    const viewer = new TestViewer(federation, 'herts-west-essex');
    const token = await viewer.token(nhsNumber, {}, { lifeS: 60, now: Date.now() + ahead });
    await viewer.ask(nhsNumber, `/fhir/Condition?patient=${nhsNumber}`, { token });
    viewer.close();
  }

  /** Every number that London was ever told of, as its log has the messages. */
  async function onTheWire(): Promise<string[]> {
    const received = (await logOf('london')).filter(({ event }) => event === 'notice-received');
    return received.flatMap(({ values: { query = '' } }) => {
      const claims = JSON.parse(
        Buffer.from(query.split('.')[1] ?? '', 'base64url').toString(),
      ) as NoticeClaims;
      return claims.items.map(({ patient }) => patient.slice(-10));
    });
  }

  it('the home region learns that we hold something; both logs have it, and no number stays in the queue', async () => {
    const [patient = ''] = pds.patients('9990010000', [LONDON]);
    await herts.seen([patient]);
    await told(patient);
    await until(async () => (await london.known(patient)).length > 0, 'that London knows');
    assert.deepEqual(await london.known(patient), ['herts-west-essex notice herts-west-essex']);
    assert.deepEqual(await herts.waiting(), {});
    const rows = await logOf('herts-west-essex');
    const about = rows.find(
      ({ event, values }) => event === 'notice-about' && values['nhs_number'] === patient,
    );
    const exchange = rows.filter((row) => row.exchange === about?.exchange);
    assert.deepEqual(
      exchange.map(({ event, region, count, agreement }) => [event, region, count, agreement]),
      [
        ['notice-sent', 'london', 1, '2026-04'],
        ['notice-about', 'london', undefined, '2026-04'],
        ['receipt-believed', 'london', 1, '2026-04'],
      ],
    );
    const { file } = await withLog(federation, 'herts-west-essex', (log) =>
      log.export(about?.exchange ?? ''),
    );
    assert.deepEqual(await failures(file), []);
  });

  it('of nobody who is restricted, objected, was at a sensitive service or where others hold it alone, or is at home here or nowhere', async () => {
    const [hidden = '', objector = '', quiet = '', at = '', elsewhere = '', ...others] = pds.patients(
      '9990011000',
      ['restricted', ...Array<string>(4).fill(LONDON), HERTS, 'unknown', LONDON],
    );
    const [ours = '', unknown = '', open = ''] = others;
    const objection = { patient: herts.digest(objector), kind: 'objection', from: 0 } as const;
    await herts.store.objections.record([objection]);
    await herts.seen([quiet], { organisation: 'RWH01' });
    await herts.seen([at], { organisation: 'RWG02' });
    await herts.seen([elsewhere], { organisation: 'RJ611' });
    // What is queued first is looked up first: when the last is told, the others were decided.
    for (const patient of [hidden, objector, ours, unknown, open]) await herts.seen([patient]);
    await told(open);
    const wire = await onTheWire();
    assert.ok(wire.includes(open));
    for (const patient of [hidden, objector, quiet, at, elsewhere, ours, unknown])
      assert.ok(!wire.includes(patient));
    assert.deepEqual(await herts.waiting(), {});
    for (const patient of [quiet, at, elsewhere, objector])
      assert.ok(!pds.asked.includes(patient), 'is not even looked up');
  });

  it('by the register first: who is at home here is not looked up, who left is', async () => {
    const [here = '', left = ''] = pds.patients('9990012000', [LONDON, LONDON]);
    const entry = (nhsNumber: string, until?: number) => {
      const patient = herts.digest(nhsNumber);
      return {
        patient,
        sealedNumber: herts.numbers.seal(nhsNumber, patient),
        practice: HERTS,
        from: 0,
        until,
      };
    };
    const entries = [entry(here), entry(left, 5)];
    const register = {
      of: async (patients: readonly string[]) => entries.filter(({ patient }) => patients.includes(patient)),
      leavers: async () => [],
    };
    await herts.seen([here, left], { register });
    await told(left);
    assert.ok(!pds.asked.includes(here));
    assert.equal(await noticesOf(here), 0);
  });

  it('once for a patient who is seen again, until it is renewed', async () => {
    const [patient = '', next = ''] = pds.patients('9990013000', [LONDON, LONDON]);
    await herts.seen([patient]);
    await told(patient);
    await herts.seen([patient]);
    await herts.seen([next]);
    await told(next);
    assert.equal(await noticesOf(patient), 1);
    assert.equal(pds.asked.filter((number) => number === patient).length, 2, 'by us, and by London');
  });

  it('under the number that the patient has now', async () => {
    const [current = ''] = pds.patients('9990014000', [LONDON]);
    const [older = ''] = pds.patients('9990014500', [{ current, practice: LONDON }]);
    await herts.seen([older]);
    await told(current);
    assert.deepEqual([await noticesOf(older), await noticesOf(current)], [0, 1]);
  });

  it('waits where there is no agreement, and the status says why', async () => {
    const [patient = ''] = pds.patients('9990015000', [BIRMINGHAM]);
    await herts.seen([patient]);
    await until(async () => (await herts.waiting())['ready west-midlands'] === 1, 'that it waits');
    const status = await federation.broker('herts-west-essex').status();
    assert.deepEqual(status.patientNotices?.waiting, [
      { region: 'west-midlands', count: 1, why: 'no-agreement' },
    ]);
    assert.equal(
      status.patientNotices?.told.find(({ region }) => region === 'west-midlands'),
      undefined,
    );
  });

  it('outlasts an outage and a stop; who objected meanwhile is left out', async () => {
    const [patient = '', objector = ''] = pds.patients('9990016000', [LONDON, LONDON]);
    await federation.stopBroker('london');
    await herts.seen([patient, objector]);
    await until(async () => (await herts.waiting())['ready london'] === 2, 'that both wait');
    await until(
      async () => (await logOf('herts-west-essex')).some(({ event }) => event === 'notice-not-reached'),
      'that London is not reached',
    );
    const status = await federation.broker('herts-west-essex').status();
    const waiting = status.patientNotices?.waiting.find(({ region }) => region === 'london');
    assert.deepEqual([waiting?.count, waiting?.why], [2, 'not-reached']);
    await herts.store.objections.record([{ patient: herts.digest(objector), kind: 'objection', from: 0 }]);
    await federation.startBroker('london');
    // The wait after a failure is over.
    ahead += LATER_MS;
    await told(patient);
    assert.deepEqual([await noticesOf(patient), await noticesOf(objector)], [1, 0]);
    assert.equal((await herts.waiting())['ready london'], undefined);
  });

  it('of nobody of whom demographics tell that they are restricted, while it waits to be told', async () => {
    const [patient = '', other = ''] = pds.patients('9990016500', [LONDON, LONDON]);
    await federation.stopBroker('london');
    await herts.seen([patient, other]);
    await until(async () => (await herts.waiting())['ready london'] === 2, 'that both wait');
    pds.told.set(patient, 'restricted');
    await ask(patient);
    pds.isDown = true;
    await federation.startBroker('london');
    ahead += LATER_MS;
    await told(other);
    const { seen, 'ready london': ready } = await herts.waiting();
    assert.deepEqual([seen, ready], [1, undefined]);
    pds.isDown = false;
    ahead += LATER_MS;
    await until(async () => (await herts.waiting())['seen'] === undefined, 'that it waits no more');
    assert.deepEqual([await noticesOf(patient), await herts.toldTo(patient)], [0, undefined]);
  });

  it('tells again what it was killed over, and the home knows it once', async () => {
    const [patient = ''] = pds.patients('9990017000', [LONDON]);
    dies = true;
    await herts.seen([patient]);
    await until(() => deaths > 0, 'that it dies');
    assert.equal(await noticesOf(patient), 1);
    assert.equal(await herts.toldTo(patient), undefined);
    dies = false;
    await restartHerts();
    // Another takes what one that was killed had taken, when its time for it is over.
    ahead += LATER_MS;
    await told(patient);
    assert.equal(await noticesOf(patient), 2);
    await until(async () => (await london.undecided()) === 0);
    assert.deepEqual(await london.known(patient), ['herts-west-essex notice herts-west-essex']);
  });

  it('hands over to the new home where the patient is known, when demographics say that the home changed', async () => {
    const [patient = ''] = pds.patients('9990018000', [LONDON]);
    const at = Date.now();
    const known = (region: string) => ({
      ...({
        patient: herts.digest(patient),
        region,
        how: 'notice',
        from: region,
        firstTold: at,
        lastTold: at,
      } as const),
    });
    await herts.store.knownRegions.record([known('essex-suffolk'), known('london')]);
    await ask(patient);
    await until(async () => (await herts.toldTo(patient, 'handover')) === 'london', 'that it is handed over');
    await until(async () => (await london.known(patient)).length > 0, 'that London knows');
    assert.deepEqual(await london.known(patient), [
      'essex-suffolk handover herts-west-essex',
      'herts-west-essex handover herts-west-essex',
    ]);
    const about = (await logOf('herts-west-essex')).filter(
      ({ event, values }) => event === 'notice-about' && values['nhs_number'] === patient,
    );
    assert.deepEqual(
      about.map(({ values }) => values['regions']),
      ['["herts-west-essex","essex-suffolk"]'],
    );
  });

  it('no number is in any line of a log', () => {
    assert.doesNotMatch(federation.logged.join('\n'), /999\d{7}|eyJ[A-Za-z0-9_-]{10}|-----BEGIN/);
  });
});

/** The same store, which does not keep that a region was told while it dies: what `kill -9` leaves behind. */
function mortal(store: Store, isDying: () => boolean): Store {
  const { noticeQueue } = store;
  const dead = (): Promise<never> => Promise.reject(new Error('killed'));
  return {
    ...store,
    noticeQueue: {
      ...noticeQueue,
      move: (rows, to, ...more) =>
        to.state === 'told' && isDying() ? dead() : noticeQueue.move(rows, to, ...more),
    },
  };
}
