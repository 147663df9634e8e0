import assert from 'node:assert/strict';

import type { Closed, Store, Succession } from '../../src/store/contracts.ts';
import { assertWhole, entry, item, LOG, naiveRoot, run, allEntries, spending } from './entries.ts';

const NEXT = `${LOG}/2`;
const CLOSED: Closed = { since: 5_000, why: 'behind', detail: '{"note":"…"}' };

const succession = (more: Partial<Succession> = {}): Succession => ({
  ...{ log: LOG, next: NEXT, at: 7_000, why: 'sealed' },
  first: (head) => item(entry('began', { facts: `"after":${head?.size ?? -1}` })),
  ...more,
});
const refused = { code: 'audit-unavailable' };

/** What every store promises of logs that were ended, and of a store that is closed. */
export function stateContract(current: () => Store, restart: () => Promise<Store>): void {
  const log = () => current().log;
  const state = () => current().state;

  describe('ends a log', () => {
    it('for good: nothing is appended to it, and its successor begins with its head', async () => {
      await log().append(LOG, [item(...run(300))]);
      let seen: { size: number; root: Uint8Array } | undefined;
      const first: Succession['first'] = (head) => {
        seen = head;
        return item(entry('began'), entry('opened'));
      };
      assert.equal(await log().succeed(succession({ first })), true);
      const leaves = (await allEntries(log())).map(({ leaf }) => leaf);
      assert.equal(seen?.size, 300);
      assert.deepEqual(Buffer.from(seen.root), naiveRoot(leaves));
      await assert.rejects(log().append(LOG, [item(entry('late'))]), refused);
      await assertWhole(log(), 300);
      await assertWhole(log(), 2, NEXT);
      assert.equal((await log().append(NEXT, [item(entry('on'))]))[0]?.sequence, 2);
    });

    it('once, though several ask at the same moment, and says so over a restart', async () => {
      await log().append(LOG, [item(entry('a'))]);
      const ended = await Promise.all([1, 2, 3, 4].map(() => log().succeed(succession())));
      assert.equal(ended.filter(Boolean).length, 1);
      const again = await restart();
      assert.deepEqual(await again.log.logs(), [
        { log: LOG, size: 1, end: { next: NEXT, at: 7_000, why: 'sealed' } },
        { log: NEXT, size: 1, end: undefined },
      ]);
      await assert.rejects(again.log.append(LOG, [item(entry('late'))]), refused);
    });

    it('and keeps none of an append that comes too late, its message unspent', async () => {
      await log().append(LOG, [item(entry('a'))]);
      const appends = Array.from({ length: 20 }, (_, n) =>
        log()
          .append(LOG, [spending(`jti-${n}`, entry(`e-${n}`))])
          .then(
            () => true,
            () => false,
          ),
      );
      const ended = log().succeed(succession());
      const told = (await Promise.all(appends)).filter(Boolean).length;
      await ended.catch(() => log().succeed(succession()));
      await assertWhole(log(), 1 + told);
      await assert.rejects(log().append(LOG, [spending('late', entry('no'))]), refused);
      assert.equal((await log().append(NEXT, [spending('late', entry('on'))]))[0]?.fresh, true);
    });

    it('though it was never written to', async () => {
      assert.equal(await log().succeed(succession()), true);
      assert.match(Buffer.from((await allEntries(log(), NEXT))[0]?.leaf ?? '').toString(), /"after":0/);
    });

    it('hands its open work to the successor, which can close it', async () => {
      await log().append(LOG, [item(entry('begun', { work: 'open' }))]);
      await log().succeed(succession());
      assert.deepEqual(await log().openWork(LOG, 10), []);
      assert.deepEqual(await log().openWork(NEXT, 10), [{ exchange: 'begun', sequence: 0 }]);
      await log().append(NEXT, [item(entry('begun', { work: 'close' }))]);
      assert.deepEqual(await log().openWork(NEXT, 10), []);
    });

    it('never for a successor that is there already, and then not at all', async () => {
      await log().append(LOG, [item(entry('a'))]);
      await log().append(NEXT, [item(entry('taken'))]);
      await assert.rejects(log().succeed(succession()), refused);
      assert.equal((await log().append(LOG, [item(entry('on'))]))[0]?.sequence, 1);
    });
  });

  describe('can be closed', () => {
    it('and is not, to begin with', async () => {
      assert.deepEqual(await state().read(), { closed: undefined, openedAt: undefined });
      assert.equal(await state().open(1, []), false);
    });

    it('once, over a restart too, and then nothing is appended to any log', async () => {
      await log().append(LOG, [item(entry('a'))]);
      assert.equal(await state().close(CLOSED), true);
      assert.equal(await state().close({ ...CLOSED, why: 'restored', since: 9_000 }), false);
      const again = await restart();
      assert.deepEqual(await again.state.read(), { closed: CLOSED, openedAt: undefined });
      for (const name of [LOG, 'broker.example/log-2']) {
        await assert.rejects(again.log.append(name, [item(entry('no'))]), refused);
      }
      await assert.rejects(again.log.succeed(succession()), refused);
      await assertWhole(again.log, 1);
    });

    it('and opens in one step with the logs that it goes on with', async () => {
      const other = 'broker.example/log-2';
      await log().append(LOG, [item(...run(3))]);
      await log().append(other, [item(...run(4))]);
      await state().close(CLOSED);
      const both = [succession(), succession({ log: other, next: `${other}/5`, why: 'behind' })];
      assert.equal(await state().open(8_000, both), true);
      assert.deepEqual(await state().read(), { closed: undefined, openedAt: 8_000 });
      assert.deepEqual(
        (await log().logs()).map(({ log: name, size, end }) => [name, size, end?.next]),
        [
          [LOG, 3, NEXT],
          [NEXT, 1, undefined],
          [other, 4, `${other}/5`],
          [`${other}/5`, 1, undefined],
        ],
      );
      await log().append(NEXT, [item(entry('on'))]);
      await assert.rejects(log().append(LOG, [item(entry('late'))]), refused);
    });

    it('and stays closed, with its logs as they were, when one of them cannot go on', async () => {
      await log().append(LOG, [item(...run(3))]);
      await state().close(CLOSED);
      const twice = [succession(), succession({ log: 'broker.example/log-2' })];
      await assert.rejects(state().open(8_000, twice), { code: 'store-unavailable' });
      assert.deepEqual((await state().read()).closed, CLOSED);
      assert.deepEqual(await log().logs(), [{ log: LOG, size: 3, end: undefined }]);
    });

    it('and can be read, and what is sealed erased, meanwhile', async () => {
      await log().append(LOG, [item(...run(3))]);
      await state().close(CLOSED);
      assert.equal((await log().entries(LOG, 0, 10)).length, 3);
      await log().erase(LOG, [1]);
      assert.equal(await current().healthy(), true);
    });
  });
}
