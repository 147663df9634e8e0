import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { patientNotices } from '../../src/config/patient-notices.ts';
import { testNhsNumbers } from '../../src/demo/test-nhs-number.ts';
import { PatientNumberSeal } from '../../src/evidence/patient-number-seal.ts';
import { Directory } from '../../src/routing/directory.ts';
import type { SeenPatient } from '../../src/routing/seen-patients.ts';
import type { Store } from '../../src/store/contracts.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { queueSeen } from '../../src/whereabouts/notices/queue-seen.ts';

const NOW = Date.parse('2026-11-23T12:00:00Z');
const DAY_MS = 86_400_000;
const patient = (nhsNumber: string): string =>
  createHmac('sha256', 'key').update(nhsNumber).digest('base64url');

/** Counts what it seals. */
class CountingSeal extends PatientNumberSeal {
  sealed = 0;

  override seal(nhsNumber: string, of: string): Uint8Array {
    this.sealed += 1;
    return super.seal(nhsNumber, of);
  }
}

describe('who was seen here, put in the queue', () => {
  const numbers = testNhsNumbers('9990000000', 2_500);
  const directory = new Directory({
    regions: [],
    practices: {},
    organisations: [{ code: 'RQW', name: 'Another', feeds: [{ region: 'essex' }] }],
  });
  let place: string;
  let store: Store;
  let seal: CountingSeal;
  beforeEach(async () => {
    place = mkdtempSync(join(tmpdir(), 'wayleave-'));
    store = await openSqliteStore(join(place, 'store.db'));
    seal = new CountingSeal(Buffer.alloc(32, 7));
  });
  afterEach(async () => {
    await store.close();
    rmSync(place, { recursive: true });
  });

  const queueAt = (at: number) =>
    queueSeen(
      {
        ...{
          region: 'london',
          directory,
          settings: patientNotices.parse({ sensitive_services: ['RSEX'] }),
          store,
        },
        ...{ register: store.register, numbers: seal, now: () => at },
      },
      () => undefined,
    );
  it('holds the store up for no more than 1,000 patients at once', async () => {
    const sizes: number[] = [];
    const real = store.noticeQueue;
    const noticeQueue: Store['noticeQueue'] = {
      ...real,
      enqueue: (rows, at) => {
        sizes.push(rows.length);
        return real.enqueue(rows, at);
      },
    };
    store = { ...store, noticeQueue };
    await queueAt(NOW)(seen(numbers, ['RJ6', 'RAL']));
    assert.deepEqual(sizes, [1_000, 1_000, 500]);
  });

  const seen = (of: readonly string[], organisations: readonly string[]): SeenPatient[] =>
    organisations.flatMap((organisation) =>
      of.map((nhsNumber) => ({ nhsNumber, patient: patient(nhsNumber), organisation, lastSeen: NOW })),
    );
  const seenCount = async (): Promise<number> =>
    (await store.noticeQueue.counts()).reduce((sum, { count }) => sum + count, 0);

  it('seals a number once for all rows of its patient, and none of whom the queue knows', async () => {
    await queueAt(NOW)(seen(numbers, ['RJ6', 'RAL', 'RJ1']));
    assert.deepEqual([seal.sealed, await seenCount()], [2_500, 2_500]);
    await queueAt(NOW + 1)(seen(numbers, ['RJ6']));
    assert.deepEqual([seal.sealed, await seenCount()], [2_500, 2_500]);
    const [row = assert.fail()] = await store.noticeQueue.take('seen', '', NOW, NOW + 9, 1);
    const number = numbers.find((one) => patient(one) === row.patient);
    assert.equal(seal.open(row.sealedNumber ?? new Uint8Array(), row.patient), number);
    await store.noticeQueue.move([row], { state: 'settled' }, NOW, NOW + DAY_MS);
    await queueAt(NOW + DAY_MS - 1)(seen(numbers, ['RJ6']));
    assert.deepEqual([seal.sealed, await seenCount()], [2_500, 2_499]);
    await queueAt(NOW + DAY_MS)(seen(numbers, ['RJ6']));
    assert.deepEqual([seal.sealed, await seenCount()], [2_501, 2_500]);
  });

  it('seals none of who is registered here, or was seen where others hold it or nobody is told of it alone', async () => {
    const [here = '', left = '', away = '', kept = ''] = numbers;
    const entry = (nhsNumber: string, until?: number) => ({
      ...{ patient: patient(nhsNumber), sealedNumber: new Uint8Array([1]), practice: 'H83006' },
      ...{ from: 0, until },
    });
    await store.register.record([entry(here), entry(left, NOW - 1)], { at: NOW });
    await queueAt(NOW)([
      ...[...seen([here, left], ['RJ6']), ...seen([away, here], ['RQW'])],
      ...seen([kept], ['RSEX1', 'RQW', 'RSEX2']),
    ]);
    assert.deepEqual([seal.sealed, await seenCount()], [1, 1]);
    const [row] = await store.noticeQueue.take('seen', '', NOW, NOW + 9, 1);
    assert.equal(row?.patient, patient(left));
  });
});
