import assert from 'node:assert/strict';

import type { KnownRegion, Store, ToldRegion } from '../../src/store/contracts.ts';

const known = (region: string, change: Partial<KnownRegion> = {}): KnownRegion => ({
  ...{ patient: 'p', region, how: 'notice', from: region, firstTold: 10, lastTold: 10, ...change },
});

const told = (region: string, change: Partial<ToldRegion> = {}): ToldRegion => ({
  ...{ sender: region, patient: 'p', region, how: 'notice', sealedNumber: new Uint8Array([1, 2, 3]) },
  ...{ firstTold: 10, lastTold: 10, ...change },
});

const queued = (patient: string, change: { kind?: 'held' | 'handover'; byte?: number } = {}) => ({
  ...{ patient, kind: change.kind ?? ('held' as const), sealedNumber: new Uint8Array([change.byte ?? 7]) },
});

/** What every store promises of where patients are held, and of notices that come and go. */
export function noticeContract(current: () => Store, restart: () => Promise<Store>): void {
  describe('keeps known regions', () => {
    it('widened, by region, how and who told, over a restart', async () => {
      await current().knownRegions.record([known('a'), known('b', { lastTold: 30 })]);
      await current().knownRegions.record([
        known('a', { firstTold: 5, lastTold: 7 }),
        known('a', { firstTold: 20, lastTold: 20 }),
        known('a', { how: 'handover', from: 'b', firstTold: 8, lastTold: 8 }),
        known('c', { patient: 'q' }),
      ]);
      const { knownRegions } = await restart();
      assert.deepEqual(await knownRegions.of(['p']), [
        known('b', { lastTold: 30 }),
        known('a', { firstTold: 5, lastTold: 20 }),
        known('a', { how: 'handover', from: 'b', firstTold: 8, lastTold: 8 }),
      ]);
      assert.deepEqual(await knownRegions.of(['none']), []);
      assert.deepEqual(await knownRegions.of([]), []);
      assert.equal((await knownRegions.of(['p', 'q'])).length, 4);
    });

    it('many in one call, at most 200 of them told, last told first', async () => {
      const many = Array.from({ length: 1_100 }, (_, n) => known(`r-${n}`, { lastTold: 100 + n }));
      await current().knownRegions.record(many);
      await current().knownRegions.record([]);
      const found = await current().knownRegions.of(['p']);
      assert.equal(found.length, 200);
      assert.deepEqual([found[0]?.lastTold, found.at(-1)?.lastTold], [1_199, 1_000]);
    });

    it('and forgets what was last told long ago, so many at once', async () => {
      await current().knownRegions.record(
        [1, 2, 3, 4, 5].map((at) => known(`r-${at}`, { firstTold: 0, lastTold: at })),
      );
      assert.equal(await current().knownRegions.forget(4, 2), 2);
      assert.equal(await current().knownRegions.forget(4, 2), 1);
      assert.equal(await current().knownRegions.forget(4, 2), 0);
      const left = await current().knownRegions.of(['p']);
      assert.deepEqual(
        left.map(({ region }) => region),
        ['r-5', 'r-4'],
      );
    });
  });

  it('forgets what one region told, so many at once, and nothing that another told as well', async () => {
    const { knownRegions, noticeInbox } = current();
    await knownRegions.record([
      ...['p', 'q', 'r'].map((patient) => known('a', { patient })),
      known('b', { how: 'handover', from: 'a' }),
      known('a', { how: 'handover', from: 'b' }),
    ]);
    await noticeInbox.keep([told('a'), told('a', { patient: 'q' }), told('b')], 10);
    assert.deepEqual(await knownRegions.toldBy('a'), [
      { region: 'a', how: 'notice', count: 3 },
      { region: 'b', how: 'handover', count: 1 },
    ]);
    assert.deepEqual(
      [await knownRegions.forgetTeller('a', 3), await knownRegions.forgetTeller('a', 3)],
      [3, 1],
    );
    assert.deepEqual([await knownRegions.toldBy('a'), await knownRegions.forgetTeller('a', 3)], [[], 0]);
    assert.deepEqual(await knownRegions.of(['p', 'q', 'r']), [known('a', { how: 'handover', from: 'b' })]);
    assert.deepEqual(
      [await noticeInbox.forgetSender('a', 1), await noticeInbox.forgetSender('a', 5)],
      [1, 1],
    );
    assert.deepEqual(await noticeInbox.counts(), [{ sender: 'b', waiting: 1 }]);
  });

  describe('keeps what neighbours told', () => {
    it('until it is decided, given to one caller at a time, over a restart', async () => {
      await current().noticeInbox.keep([told('a'), told('b', { how: 'handover', sender: 'a' })], 10);
      const store = await restart();
      const takes = await Promise.all([1, 2, 3].map(() => store.noticeInbox.take(20, 50, 10)));
      const taken = takes.flat();
      assert.equal(taken.length, 2);
      assert.deepEqual(taken.map(({ region, how, tries }) => [region, how, tries]).sort(), [
        ['a', 'notice', 0],
        ['b', 'handover', 0],
      ]);
      assert.deepEqual([...(taken[0]?.sealedNumber ?? [])], [1, 2, 3]);
      assert.deepEqual(await store.noticeInbox.take(49, 90, 10), []);
      assert.equal((await store.noticeInbox.take(50, 90, 10)).length, 2);
      await store.noticeInbox.decided(taken);
      assert.deepEqual(await store.noticeInbox.take(1_000, 1_001, 10), []);
      assert.equal(await store.noticeInbox.firstDue(), undefined);
    });

    it('and tells of a patient what waits, last told first, whoever has taken it', async () => {
      const inbox = current().noticeInbox;
      const [first, second] = [
        told('a', { lastTold: 10 }),
        told('b', { how: 'handover', sender: 'a', lastTold: 20 }),
      ];
      await inbox.keep([first, second, told('c', { patient: 'q' })], 10);
      await inbox.take(1_000, 2_000, 10);
      const expected = [second, first].map(({ sealedNumber: _number, ...one }) => one);
      assert.deepEqual(await inbox.of(['p']), expected);
      assert.deepEqual(
        [await inbox.of(['none']), await inbox.of([]), (await inbox.of(['p', 'q'])).length],
        [[], [], 3],
      );
      await inbox.decided([second]);
      assert.deepEqual(await inbox.of(['p']), expected.slice(1));
    });

    it('of every sender in turn: the oldest patients of each, with all that is due of them', async () => {
      const inbox = current().noticeInbox;
      const of = (sender: string, patient: string, region: string, at: number) =>
        told(region, { ...{ sender, patient, how: 'handover', firstTold: at, lastTold: at } });
      await inbox.keep(
        Array.from({ length: 1_000 }, (_, n) => of('a', `p-${n}`, 'a', 10 + n)),
        2_000,
      );
      await inbox.keep([of('b', 'q', 'x', 900), of('b', 'q', 'y', 950), of('b', 'r', 'b', 960)], 10);
      await inbox.keep([of('c', 's', 'c', 5_000)], 10);
      const taken = async () =>
        (await inbox.take(2_000, 3_000, 2))
          .map(({ sender, patient, region }) => [sender, patient, region])
          .sort();
      assert.deepEqual(await taken(), [
        ['a', 'p-0', 'a'],
        ['a', 'p-1', 'a'],
        ['b', 'q', 'x'],
        ['b', 'q', 'y'],
      ]);
      assert.deepEqual(await taken(), [
        ['a', 'p-2', 'a'],
        ['a', 'p-3', 'a'],
        ['b', 'r', 'b'],
      ]);
    });

    it('once, however often it is told, also while it is decided', async () => {
      const inbox = current().noticeInbox;
      await inbox.keep([told('a'), told('a')], 10);
      await inbox.keep([told('a', { firstTold: 4, lastTold: 4 })], 10);
      const taken = await inbox.take(20, 30, 10);
      assert.deepEqual(
        taken.map(({ firstTold, lastTold }) => [firstTold, lastTold]),
        [[4, 10]],
      );
      await inbox.keep([told('a', { firstTold: 25, lastTold: 25 })], 10);
      const again = await inbox.take(40, 50, 10);
      assert.deepEqual(
        again.map(({ firstTold, lastTold }) => [firstTold, lastTold]),
        [[4, 25]],
      );
      await inbox.later(again, 99);
      assert.equal(await inbox.firstDue(), 99);
      assert.deepEqual(await inbox.take(98, 200, 10), []);
      assert.equal((await inbox.take(99, 200, 10))[0]?.tries, 1);
      await inbox.keep([told('a', { firstTold: 30, lastTold: 30 })], 10);
      await inbox.decided(again);
      assert.equal(await inbox.firstDue(), undefined);
    });

    it('up to a number for each sender, and none of one message more', async () => {
      const inbox = current().noticeInbox;
      const of = (patient: string, sender = 'a') => told(sender, { patient });
      assert.equal(await inbox.keep([of('1'), of('2')], 3), true);
      assert.equal(await inbox.keep([of('3'), of('4')], 3), true);
      assert.equal(await inbox.keep([of('5')], 3), false);
      assert.equal(await inbox.keep([of('5', 'b')], 3), true);
      assert.deepEqual(await inbox.counts(), [
        { sender: 'a', waiting: 4 },
        { sender: 'b', waiting: 1 },
      ]);
      assert.equal(
        await inbox.keep(
          Array.from({ length: 1_300 }, (_, n) => of(`m-${n}`, 'c')),
          3,
        ),
        true,
      );
      assert.equal((await inbox.take(10, 20, 1_000)).length, 4 + 1 + 1_000);
    });
  });

  describe('keeps a queue of notices', () => {
    const queue = () => current().noticeQueue;

    it('a patient once of a kind, from being seen to being told, without a number in the end', async () => {
      await queue().enqueue([queued('p'), queued('p', { byte: 8 }), queued('p', { kind: 'handover' })], 10);
      await queue().enqueue([queued('p', { byte: 9 })], 20);
      await restart();
      const seen = await queue().take('seen', '', 10, 90, 10);
      assert.deepEqual(
        seen
          .map(({ patient, kind, home, queued: at, tries, sealedNumber }) => [
            ...[patient, kind, home, at, tries],
            ...(sealedNumber ?? []),
          ])
          .sort(),
        [
          ['p', 'handover', '', 10, 0, 7],
          ['p', 'held', '', 10, 0, 8],
        ],
      );
      assert.deepEqual(await queue().take('seen', '', 89, 90, 10), []);
      const [held = assert.fail()] = seen.filter(({ kind }) => kind === 'held');
      await queue().move([held], { state: 'ready', home: 'london' }, 30, 35);
      assert.equal(await queue().firstDue('ready', 'london'), 35);
      assert.equal(await queue().firstDue('ready', 'essex'), undefined);
      const [ready = assert.fail()] = await queue().take('ready', 'london', 35, 90, 10);
      assert.deepEqual(await queue().counts(), [
        { state: 'ready', home: 'london', count: 1 },
        { state: 'seen', home: '', count: 1 },
      ]);
      assert.deepEqual([ready.home, ready.since, [...(ready.sealedNumber ?? [])]], ['london', 30, [8]]);
      await queue().move([ready], { state: 'told' }, 40, 500);
      assert.equal(await queue().toldTo({ patient: 'p', kind: 'held' }), 'london');
      assert.equal(await queue().toldTo({ patient: 'p', kind: 'handover' }), undefined);
      assert.equal(await queue().toldTo({ patient: 'q', kind: 'held' }), undefined);
      assert.deepEqual(await queue().counts(), [{ state: 'seen', home: '', count: 1 }]);
      assert.deepEqual(await queue().take('ready', 'london', 1_000, 1_001, 10), []);
    });

    it('in which one who was told or settled waits again when that is due, and not before', async () => {
      await queue().enqueue([queued('t'), queued('s')], 10);
      const rows = await queue().take('seen', '', 10, 90, 10);
      const [first = assert.fail(), second = assert.fail()] = rows;
      await queue().move([first], { state: 'ready', home: 'london' }, 20, 20);
      await queue().move([first], { state: 'told' }, 20, 100);
      await queue().move([second], { state: 'settled' }, 20, 100);
      await queue().enqueue([queued('t'), queued('s')], 99);
      assert.deepEqual(await queue().take('seen', '', 1_000, 1_001, 10), []);
      await queue().enqueue([queued('t'), queued('s', { byte: 5 })], 100);
      const again = await queue().take('seen', '', 1_000, 1_001, 10);
      assert.deepEqual(again.map(({ patient, sealedNumber }) => [patient, ...(sealedNumber ?? [])]).sort(), [
        ['s', 5],
        ['t', 7],
      ]);
      await queue().move(again, { state: 'settled' }, 150, 900);
      await queue().enqueue([queued('t')], 160, 'at-once');
      const [forced, ...more] = await queue().take('seen', '', 160, 170, 10);
      assert.deepEqual([forced?.patient, more], ['t', []]);
      // One that was settled is not told by a worker that comes late.
      await queue().move(again, { state: 'settled' }, 200, 300);
      await queue().move(again, { state: 'told' }, 201, 300);
      for (const patient of ['t', 's'])
        assert.equal(await queue().toldTo({ patient, kind: 'held' }), undefined);
    });

    it('says who stays as they are when they are put in', async () => {
      const patients = ['seen', 'ready', 'told', 'settled', 'never'];
      await queue().enqueue(
        patients.slice(0, 4).map((patient) => queued(patient)),
        10,
      );
      const one = (patient: string) => [{ patient, kind: 'held' as const }];
      for (const patient of ['ready', 'told'])
        await queue().move(one(patient), { state: 'ready', home: 'london' }, 20, 20);
      await queue().move(one('told'), { state: 'told' }, 20, 100);
      await queue().move(one('settled'), { state: 'settled' }, 20, 200);
      const stay = async (at: number) => (await queue().stays(patients, 'held', at)).toSorted();
      assert.deepEqual(await stay(99), ['ready', 'seen', 'settled', 'told']);
      assert.deepEqual(await stay(100), ['ready', 'seen', 'settled']);
      assert.deepEqual(await stay(200), ['ready', 'seen']);
      assert.deepEqual(await queue().stays(patients, 'handover', 99), []);
    });

    it('with every home that it names, once', async () => {
      await queue().enqueue(
        ['a', 'b', 'c', 'd'].map((patient) => queued(patient)),
        10,
      );
      const rows = await queue().take('seen', '', 10, 90, 10);
      assert.deepEqual(await queue().homes('ready'), []);
      for (const [nth, home] of ['london', 'essex', 'london'].entries())
        await queue().move(rows.slice(nth, nth + 1), { state: 'ready', home }, 20, 20);
      assert.deepEqual(
        [await queue().homes('ready'), await queue().homes('told')],
        [['essex', 'london'], []],
      );
      await queue().move(rows.slice(0, 1), { state: 'told' }, 20, 100);
      await queue().move(rows.slice(3), { state: 'settled' }, 20, 100);
      assert.deepEqual(
        [await queue().homes('ready'), await queue().homes('told')],
        [['essex', 'london'], ['london']],
      );
    });

    it('puts in anew what was told to another home alone', async () => {
      await queue().enqueue([queued('p')], 10);
      const rows = await queue().take('seen', '', 10, 90, 10);
      const changed = (home: string) =>
        queue().homeChanged({ patient: 'p', kind: 'held' }, home, new Uint8Array([4]), 50);
      assert.equal(await changed('essex'), false);
      await queue().move(rows, { state: 'ready', home: 'london' }, 20, 20);
      await queue().move(rows, { state: 'told' }, 20, 1_000);
      assert.equal(await changed('london'), false);
      assert.equal(await changed('essex'), true);
      const [again] = await queue().take('seen', '', 50, 90, 10);
      assert.deepEqual([again?.home, [...(again?.sealedNumber ?? [])]], ['', [4]]);
    });

    it('gives each to one caller, counts the tries, and takes back what is to be looked at anew', async () => {
      await queue().enqueue(
        Array.from({ length: 1_200 }, (_, n) => queued(`p-${n}`)),
        10,
      );
      const takes = await Promise.all([1, 2, 3].map(() => queue().take('seen', '', 10, 90, 500)));
      const patients = takes.flat().map(({ patient }) => patient);
      assert.equal(patients.length, 1_200);
      assert.equal(new Set(patients).size, 1_200);
      const some = (takes[0] ?? []).slice(0, 2);
      await queue().later(some, 60);
      const [one = assert.fail()] = await queue().take('seen', '', 60, 90, 10);
      assert.equal(one.tries, 1);
      await queue().move([one], { state: 'ready', home: 'london' }, 61, 61);
      await queue().move([one], { state: 'seen' }, 62, 62);
      const [back] = await queue().take('seen', '', 62, 90, 10);
      assert.deepEqual([back?.patient, back?.home, back?.tries], [one.patient, '', 0]);
      assert.ok(back?.sealedNumber);
    });

    it('forgets who was told or settled when they may be told again, so many at once', async () => {
      await queue().enqueue(
        ['a', 'b', 'c', 'd'].map((patient) => queued(patient)),
        10,
      );
      const rows = await queue().take('seen', '', 10, 90, 10);
      await queue().move(rows.slice(0, 3), { state: 'ready', home: 'london' }, 20, 20);
      await queue().move(rows.slice(0, 3), { state: 'told' }, 20, 100);
      await queue().move(rows.slice(3), { state: 'settled' }, 20, 100);
      assert.equal(await queue().forget('london', 99, 2), 0);
      assert.equal(await queue().forget('london', 100, 2), 2);
      assert.equal(await queue().forget('london', 100, 2), 1);
      assert.equal(await queue().forget('', 100, 2), 1);
      assert.deepEqual(await queue().counts(), []);
      assert.equal(await queue().firstDue('told', 'london'), undefined);
    });

    it('and where the leavers were read to', async () => {
      assert.equal(await queue().leaverCursor(), undefined);
      await queue().keepLeaverCursor({ until: 5, patient: 'p' });
      await queue().keepLeaverCursor({ until: 7_000_000_000_000, patient: 'a' });
      const store = await restart();
      assert.deepEqual(await store.noticeQueue.leaverCursor(), { until: 7_000_000_000_000, patient: 'a' });
    });
  });
}
