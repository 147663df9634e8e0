import assert from 'node:assert/strict';

import type { Store } from '../../src/store/contracts.ts';
import { LOG } from './entries.ts';

const at = (size: number, note = `note ${size}`) => ({ size, at: 1_000 + size, note });

/** What every store promises of checkpoints: its own logs', and those that it cosigned. */
export function checkpointContract(current: () => Store, restart: () => Promise<Store>): void {
  const checkpoints = () => current().checkpoints;

  describe('keeps checkpoints', () => {
    it('by size, and replaces one that gained cosignatures', async () => {
      for (const size of [10, 300, 20]) await checkpoints().save(LOG, at(size));
      await checkpoints().save('broker.example/log-2', at(500));
      await checkpoints().save(LOG, at(20, 'note 20, cosigned'));
      assert.deepEqual(await checkpoints().latest(LOG), at(300));
      assert.deepEqual(await checkpoints().latest(LOG, 299), at(20, 'note 20, cosigned'));
      assert.equal(await checkpoints().latest(LOG, 9), undefined);
      assert.deepEqual(await checkpoints().covering(LOG, 11), at(20, 'note 20, cosigned'));
      assert.deepEqual(await checkpoints().covering(LOG, 20), at(20, 'note 20, cosigned'));
      assert.equal(await checkpoints().covering(LOG, 301), undefined);
    });

    it('a page at a time', async () => {
      for (const size of [10, 300, 20, 40]) await checkpoints().save(LOG, at(size));
      assert.deepEqual(await checkpoints().page(LOG, 11, 2), [at(20), at(40)]);
      assert.deepEqual(await checkpoints().page(LOG, 301, 2), []);
    });

    it('and removes those that are named, never the largest, nor those of another log', async () => {
      const other = 'broker.example/log-2';
      for (const size of [10, 20, 300]) await checkpoints().save(LOG, at(size));
      for (const size of [10, 20]) await checkpoints().save(other, at(size));
      await checkpoints().remove(LOG, []);
      await checkpoints().remove(LOG, [10, 300, 999]);
      assert.deepEqual(await checkpoints().page(LOG, 0, 10), [at(20), at(300)]);
      assert.deepEqual(await checkpoints().page(other, 0, 10), [at(10), at(20)]);
    });

    it('and keeps the cosignatures of one, whoever signs its head again', async () => {
      const log = 'broker.example/log-3';
      await checkpoints().save(log, at(20, 'note 20\n— witness cosigned\n'));
      await checkpoints().save(log, at(20, 'note 20\n'));
      assert.deepEqual(await checkpoints().latest(log), at(20, 'note 20\n— witness cosigned\n'));
    });

    it('and cosigns on from what it cosigned last alone, over a restart too', async () => {
      const origin = 'neighbour.example/log/1';
      assert.equal(await checkpoints().witnessed(origin), undefined);
      assert.equal(await checkpoints().witness(origin, 5, at(7)), false);
      assert.equal(await checkpoints().witness(origin, 0, at(0)), true);
      assert.equal(await checkpoints().witness(origin, 0, at(5)), true);
      assert.equal(await checkpoints().witness(origin, 0, at(6)), false);
      const again = await restart();
      assert.deepEqual(await again.checkpoints.witnessed(origin), at(5));
      const rivals = await Promise.all(
        Array.from({ length: 20 }, (_, n) => again.checkpoints.witness(origin, 5, at(10, `rival ${n}`))),
      );
      assert.equal(rivals.filter(Boolean).length, 1);
      const winner = rivals.indexOf(true);
      assert.deepEqual(await again.checkpoints.witnessed(origin), at(10, `rival ${winner}`));
    });

    it('and lists what it cosigned last of each log', async () => {
      await checkpoints().witness('b.example/log/1', 0, at(5));
      await checkpoints().witness('a.example/log/1', 0, at(3));
      await checkpoints().witness('b.example/log/1', 5, at(9));
      assert.deepEqual(await checkpoints().allWitnessed(), [
        { origin: 'a.example/log/1', ...at(3) },
        { origin: 'b.example/log/1', ...at(9) },
      ]);
    });

    it('cosigns a log for the first time once, though many ask at once', async () => {
      const first = await Promise.all(
        Array.from({ length: 20 }, (_, n) => checkpoints().witness('new.example/log/1', 0, at(3, `${n}`))),
      );
      assert.equal(first.filter(Boolean).length, 1);
    });

    it('and forks, each once, newest first', async () => {
      const fork = (time: number) => ({ origin: 'o', at: time, held: `held ${time}`, seen: 'seen' });
      for (const time of [1, 3, 2]) assert.equal(await checkpoints().keepFork(fork(time)), true);
      assert.equal(await checkpoints().keepFork({ ...fork(3), at: 9 }), false);
      assert.deepEqual(await checkpoints().forks(2), [fork(3), fork(2)]);
    });
  });
}
