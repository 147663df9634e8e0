import assert from 'node:assert/strict';

import type { Store } from '../../src/store/contracts.ts';
import { archiveContract } from './archive-contract.ts';
import { careLocationContract } from './care-location-contract.ts';
import { checkpointContract } from './checkpoint-contract.ts';
import { cursorContract } from './cursor-contract.ts';
import { decisionContract } from './decision-contract.ts';
import { directoryContract } from './directory-contract.ts';
import { entry, item, LOG } from './entries.ts';
import { keyContract } from './key-contract.ts';
import { logContract } from './log-contract.ts';
import { registerContract } from './register-contract.ts';
import { noticeContract } from './notice-contract.ts';
import { searchContract } from './search-contract.ts';
import { stateContract } from './state-contract.ts';
import { toldRestrictionContract } from './told-restriction-contract.ts';
import { tellerContract } from './teller-contract.ts';

/**
 * What every store promises, in one suite.
 *
 * @param open gives a new empty store; `again` opens the same one once more, as after a restart
 */
export function storeContract(
  name: string,
  open: () => Promise<{ store: Store; again: () => Promise<Store> }>,
): void {
  describe(`${name} keeps the store's contract`, () => {
    let store: Store;
    let again: () => Promise<Store>;
    beforeEach(async () => ({ store, again } = await open()));
    afterEach(() => store.close());

    it('spends a message once, of any number of concurrent calls', async () => {
      const keep = Date.now() + 60_000;
      const results = await Promise.all(
        Array.from({ length: 50 }, () => store.replay.spend('iss', 'jti-1', keep)),
      );
      assert.equal(results.filter(Boolean).length, 1);
      assert.equal(await store.replay.spend('iss', 'jti-1', keep), false);
    });

    it('keys what is spent on issuer and jti together', async () => {
      const keep = Date.now() + 60_000;
      assert.equal(await store.replay.spend('one', 'jti', keep), true);
      assert.equal(await store.replay.spend('other', 'jti', keep), true);
      assert.equal(await store.replay.spend('one', 'jti-', keep), true);
    });

    it('keeps each text of an entity statement once, and those of one entity apart', async () => {
      const kept = (sequence: number, token: string, entity = 'https://a.example') => ({
        ...{ entity, sequence, token, at: 1_000 + sequence },
      });
      const all = [kept(1, 'one'), kept(2, 'two'), kept(2, 'another two'), kept(9, 'b', 'https://b.example')];
      for (const one of [...all, { ...kept(1, 'one'), at: 5_000 }]) await store.statements.keep(one);
      await store.close();
      store = await again();
      const found = await store.statements.of('https://a.example');
      assert.deepEqual(
        found.map(({ sequence, at }) => [sequence, at]),
        [
          [2, 1_002],
          [2, 1_002],
          [1, 1_001],
        ],
      );
      assert.deepEqual(found.map(({ token }) => token).sort(), ['another two', 'one', 'two']);
      assert.deepEqual(await store.statements.of('https://c.example'), []);
    });

    it('remembers what is spent over a restart', async () => {
      await store.replay.spend('iss', 'jti', Date.now() + 60_000);
      await store.close();
      store = await again();
      assert.equal(await store.replay.spend('iss', 'jti', Date.now() + 60_000), false);
    });

    it('spends anew what need not be kept any longer, however much of it there is', async () => {
      const old = Array.from({ length: 50 }, (_, n) => `old-${n}`);
      for (const jti of old) await store.replay.spend('iss', jti, Date.now() - 1);
      const again = await Promise.all(old.map((jti) => store.replay.spend('iss', jti, Date.now() + 60_000)));
      assert.equal(again.filter(Boolean).length, 50);
      assert.equal(await store.replay.spend('iss', 'old-49', Date.now() + 60_000), false);
    });

    it('forgets what need not be kept any longer, and nothing else', async () => {
      await store.replay.spend('iss', 'old', Date.now() - 1);
      await store.replay.spend('iss', 'kept', Date.now() + 60_000);
      await store.replay.spend('iss', 'another', Date.now() + 60_000);
      assert.equal(await store.replay.spend('iss', 'old', Date.now() + 60_000), true);
      assert.equal(await store.replay.spend('iss', 'kept', Date.now() + 60_000), false);
    });

    it('counts refusals by code and minute, newest minute first', async () => {
      const minute = 1_700_000_040_000;
      await Promise.all([1, 2, 3].map((second) => store.log.count('bad-signature', minute + second * 1_000)));
      await store.log.count('bad-signature', minute + 60_000);
      await store.log.count('malformed', minute);
      await store.log.count('overloaded', minute + 120_000, 40);
      await store.log.count('overloaded', minute + 120_000, 2);
      const counts = await store.log.counts(minute, minute + 120_000);
      assert.deepEqual(counts[0], { code: 'bad-signature', minute: minute + 60_000, count: 1 });
      assert.deepEqual(counts.map(({ code, count }) => `${code} ${count}`).sort(), [
        'bad-signature 1',
        'bad-signature 3',
        'malformed 1',
      ]);
      assert.equal((await store.log.counts(minute, minute + 60_000)).length, 2);
      assert.deepEqual(await store.log.counts(minute + 120_000, minute + 180_000), [
        { code: 'overloaded', minute: minute + 120_000, count: 42 },
      ]);
    });

    it('gives the objections that are in force at a time', async () => {
      await store.objections.record([
        { patient: 'a', kind: 'objection', from: 10 },
        { patient: 'a', kind: 'restriction', from: 10, until: 20 },
        { patient: 'b', kind: 'objection', from: 10 },
      ]);
      const kinds = async (at: number) =>
        (await store.objections.inForce(['a'], at)).map(({ kind }) => kind).sort();
      assert.deepEqual(await kinds(9), []);
      assert.deepEqual(await kinds(10), ['objection', 'restriction']);
      assert.deepEqual(await kinds(20), ['objection']);
    });

    it('replaces an objection of the same kind', async () => {
      await store.objections.record([{ patient: 'a', kind: 'objection', from: 10 }]);
      await store.objections.record([{ patient: 'a', kind: 'objection', from: 10, until: 11 }]);
      assert.deepEqual(await store.objections.inForce(['a'], 11), []);
      const twice = { patient: 'b', kind: 'objection', from: 10 } as const;
      await store.objections.record([twice, { ...twice, until: 11 }]);
      assert.deepEqual(await store.objections.inForce(['b'], 11), []);
      assert.deepEqual(await store.objections.inForce([], 11), []);
    });

    it('is healthy while it can write, and rejects when it cannot', async () => {
      assert.equal(await store.healthy(), true);
      await store.close();
      assert.equal(await store.healthy(), false);
      await assert.rejects(store.log.append(LOG, [item(entry('a'))]), { code: 'audit-unavailable' });
      await assert.rejects(store.replay.spend('i', 'j', 1), { code: 'store-unavailable' });
      await assert.rejects(store.objections.inForce(['a'], 1), { code: 'store-unavailable' });
      await assert.rejects(store.log.head(LOG), { code: 'store-unavailable' });
      await assert.rejects(store.log.tiles(LOG, [{ level: 0, index: 0, width: 1 }]), {
        code: 'store-unavailable',
      });
      store = await again();
    });

    it('rejects what waits when it is closed, keeps what was told, and may be closed twice', async () => {
      const writes = Array.from({ length: 20 }, (_, n) => store.log.append(LOG, [item(entry(`e-${n}`))]));
      const closed = store.close();
      const results = await Promise.allSettled(writes);
      await Promise.all([closed, store.close()]);
      await assert.rejects(store.replay.spend('i', 'j', 1), { code: 'store-unavailable' });
      store = await again();
      const told = results.filter(({ status }) => status === 'fulfilled').length;
      assert.ok(told < 20);
      assert.ok((await store.log.head(LOG)).size >= told);
    });

    const restart = async (): Promise<Store> => {
      await store.close();
      return (store = await again());
    };
    logContract(() => store, restart);
    searchContract(() => store);
    describe('of the local register', () => registerContract(() => store.register));
    checkpointContract(() => store, restart);
    stateContract(() => store, restart);
    careLocationContract(
      () => store,
      () => again(),
    );
    cursorContract(() => store, restart);
    decisionContract(() => store, restart);
    directoryContract(() => store, restart);
    archiveContract(() => store, restart);
    keyContract(() => store, restart);
    noticeContract(() => store, restart);
    toldRestrictionContract(() => store, restart);
    tellerContract(() => store, restart);
  });
}
