import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { patientNotices } from '../../src/config/patient-notices.ts';
import { PatientNumberSeal } from '../../src/evidence/patient-number-seal.ts';
import { Directory } from '../../src/routing/directory.ts';
import type { Store } from '../../src/store/contracts.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { GivenUp } from '../../src/whereabouts/notices/given-up.ts';
import type { NoticeParts } from '../../src/whereabouts/notices/notice-parts.ts';
import { DAY_MS } from '../../src/whereabouts/notices/notice-parts.ts';
import { NoticesRoom } from '../../src/whereabouts/notices/notices-room.ts';
import { SendNotices } from '../../src/whereabouts/notices/send-notices.ts';
import { until } from '../support/until.ts';

const PATIENT = '9990000018';

describe('sending notices', () => {
  const place = mkdtempSync(join(tmpdir(), 'wayleave-sending-'));
  const numbers = new PatientNumberSeal(Buffer.alloc(32, 7));
  const row = { patient: 'p', kind: 'held', sealedNumber: numbers.seal(PATIENT, 'p') } as const;
  let store: Store;
  let made = 0;
  let now = 0;
  let isAgreed = true;

  beforeEach(async () => {
    [now, isAgreed] = [1_000_000, true];
    store = await openSqliteStore(join(place, `store-${(made += 1)}.db`));
    await store.noticeQueue.enqueue([row], now);
  });
  afterEach(() => store.close());
  after(() => rmSync(place, { recursive: true, force: true }));

  const waiting = async (): Promise<string[]> =>
    (await store.noticeQueue.counts()).map(({ state, home, count }) => `${state} ${home} ${count}`);
  const parts = (change: Partial<NoticeParts> = {}): NoticeParts => ({
    ...{ region: 'herts-west-essex', store, numbers, settings: patientNotices.parse({}), now: () => now },
    directory: new Directory({
      regions: ['herts-west-essex', 'london'].map((id) => ({ id, name: id, sub_icbs: [] })),
      ...{ practices: {}, organisations: [] },
    }),
    neighbours: { notAsked: () => undefined } as never,
    links: new Map([['london', { destination: { status: () => ({ circuit: 'closed' }) } }]]) as never,
    agreementWith: () => (isAgreed ? ({ version: '1' } as never) : undefined),
    // Nothing is to be signed, written down or looked up here.
    ...{ sender: undefined as never, trail: undefined as never, lookUp: () => assert.fail() },
    patientDigest: (nhsNumber) => `digest-${nhsNumber}`,
    stopping: new AbortController().signal,
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    ...change,
  });

  const sendingOf = (given: NoticeParts): SendNotices => new SendNotices(given, new GivenUp(given));

  it('stops where the agreement ends while the message is put together, and the patients wait', async () => {
    await store.noticeQueue.move([row], { state: 'ready', home: 'london' }, now, now);
    const inForce: Store['objections']['inForce'] = async (...asked) => {
      isAgreed = false;
      return store.objections.inForce(...asked);
    };
    const ending = { ...store, objections: { ...store.objections, inForce } };
    assert.equal(await sendingOf(parts({ store: ending })).round(), false);
    assert.deepEqual([isAgreed, await waiting()], [false, ['ready london 1']]);
    assert.equal(await store.noticeQueue.firstDue('ready', 'london'), now);
  });

  it('gives up what waits for a region that the directory lists no more', async () => {
    await store.noticeQueue.move([row], { state: 'ready', home: 'gone' }, now, now);
    await sendingOf(parts()).round();
    assert.deepEqual(await waiting(), ['ready gone 1']);
    now += 31 * DAY_MS;
    await sendingOf(parts()).round();
    assert.deepEqual(await waiting(), []);
  });

  it('and forgets who was told of to such a region', async () => {
    await store.noticeQueue.move([row], { state: 'ready', home: 'gone' }, now, now);
    await store.noticeQueue.move([row], { state: 'told' }, now, now);
    const { stopping: _, ...given } = parts();
    const room = new NoticesRoom(given);
    room.start();
    await until(async () => (await store.noticeQueue.homes('told')).length === 0, 'that it is forgotten');
    await room.stop();
  });
});
