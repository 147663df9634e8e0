import assert from 'node:assert/strict';

import type { KeyChange, Store } from '../../src/store/contracts.ts';
import { item, LOG, run, sealedAs } from './entries.ts';

const OTHER = 'broker.example/log-2';

const change = (sequence: number, former = 'key-1'): KeyChange => ({
  ...{ sequence, former, wrappedBy: 'key-2', wrappedKey: Buffer.from(`anew ${sequence}`) },
});

/** What every store promises of the wrapped keys of entries. */
export function keyContract(current: () => Store, restart: () => Promise<Store>): void {
  const keys = () => current().keys;
  const sequences = async (from: number, limit: number, log = LOG): Promise<number[]> =>
    (await keys().page(log, from, limit)).map(({ sequence }) => sequence);
  const wrapping = async (log = LOG): Promise<Record<number, [string, string]>> =>
    Object.fromEntries(
      (await keys().page(log, 0, 500)).map(({ sequence, wrappedBy, wrappedKey }) => [
        sequence,
        [wrappedBy, Buffer.from(wrappedKey).toString()],
      ]),
    );

  /** As many entries with something sealed, of which those before `to` are pruned. */
  async function write(size: number, to = 0): Promise<void> {
    const entries = run(size).map((one, nth) => ({ ...one, sealed: sealedAs(`${nth}`) }));
    await current().log.append(LOG, [item(...entries)]);
    if (to === 0) return;
    const named = { log: LOG, from: 0, to, file: 'f', sha256: 's', oldest: 0, newest: 1, archivedAt: 1 };
    assert.equal(await current().archive.register(named), true);
    assert.equal(await current().archive.beginPrune(LOG, 0, 1), true);
    while ((await current().archive.prune(LOG, 1_000)) > 0);
  }

  describe('gives the keys of entries', () => {
    it('in pages, of what is pruned too, and none that was erased or never was', async () => {
      await write(512, 256);
      await current().log.append(LOG, [item(...run(20, 512))]);
      await current().log.append(OTHER, [item(...run(3, 0, { sealed: sealedAs('x') }))]);
      await current().log.erase(LOG, [0, 5, 255, 256, 300]);
      assert.deepEqual(await sequences(0, 3), [1, 2, 3]);
      assert.deepEqual(await sequences(4, 3), [4, 6, 7]);
      assert.deepEqual(await sequences(253, 4), [253, 254, 257, 258]);
      assert.deepEqual(await sequences(510, 500), [510, 511]);
      assert.deepEqual(await sequences(512, 500), []);
      assert.deepEqual(await sequences(0, 500, OTHER), [0, 1, 2]);
      assert.equal((await sequences(0, 9_999)).length, 500);
    });
  });

  describe('replaces wrapped keys', () => {
    it('of what is pruned too, of that log alone, durably, and nothing else of the entry', async () => {
      await write(512, 256);
      await current().log.append(OTHER, [item(...run(300, 0, { sealed: sealedAs('x') }))]);
      const before = (await current().log.entries(LOG, 300, 1))[0];
      assert.deepEqual(await keys().rewrap(LOG, [change(300), change(7)]), [7, 300]);
      await restart();
      const found = await wrapping();
      assert.deepEqual(
        [found[7], found[8]],
        [
          ['key-2', 'anew 7'],
          ['key-1', 'wrapped 8'],
        ],
      );
      const [after] = await current().log.entries(LOG, 300, 1);
      assert.deepEqual(after, {
        ...before,
        sealed: { ...before?.sealed, wrappedBy: 'key-2', wrappedKey: after?.sealed?.wrappedKey },
      });
      assert.equal(Buffer.from(after?.sealed?.wrappedKey ?? []).toString(), 'anew 300');
      assert.ok(Object.values(await wrapping(OTHER)).every(([by]) => by === 'key-1'));
    });

    it('only where the former is still there: what was erased stays so', async () => {
      await write(512, 256);
      await current().log.erase(LOG, [3, 400]);
      assert.deepEqual(
        await keys().rewrap(
          LOG,
          [3, 4, 400, 401].map((one) => change(one)),
        ),
        [4, 401],
      );
      assert.deepEqual(await keys().rewrap(LOG, [change(4), change(401, 'key-9'), change(402, 'key-9')]), []);
      assert.deepEqual(await keys().rewrap(LOG, []), []);
      assert.deepEqual(await sequences(2, 3), [2, 4, 5]);
      assert.deepEqual(await sequences(399, 3), [399, 401, 402]);
      assert.equal((await current().log.entries(LOG, 400, 1))[0]?.sealed, undefined);
    });

    it('while they are erased and pruned, and brings none back', async () => {
      const entries = run(512).map((one, nth) => ({ ...one, sealed: sealedAs(`${nth}`) }));
      await current().log.append(LOG, [item(...entries)]);
      const named = { log: LOG, from: 0, to: 512, file: 'f', sha256: 's', oldest: 0, newest: 1 };
      await current().archive.register({ ...named, archivedAt: 1 });
      await current().archive.beginPrune(LOG, 0, 1);
      const turn = (): Promise<void> => new Promise((next) => setImmediate(next));
      const pruning = (async () => {
        while ((await current().archive.prune(LOG, 40)) > 0) await turn();
      })();
      const erasing = (async () => {
        for (let at = 0; at < 512; at += 16) {
          const some = Array.from({ length: 16 }, (_, nth) => at + nth).filter((one) => one % 4 !== 3);
          await current().log.erase(LOG, some.toReversed());
        }
      })();
      const all = Array.from({ length: 512 }, (_, nth) => nth);
      const rewrapping = (async () => {
        for (let round = 0; round < 12; round += 1) {
          await keys().rewrap(
            LOG,
            all.slice((round % 3) * 180).map((one) => change(one)),
          );
          await turn();
        }
      })();
      await Promise.all([pruning, erasing, rewrapping]);
      await keys().rewrap(
        LOG,
        all.slice(0, 256).map((one) => change(one)),
      );
      await keys().rewrap(
        LOG,
        all.slice(256).map((one) => change(one)),
      );
      const found = await wrapping();
      assert.deepEqual(
        Object.keys(found).map(Number),
        all.filter((one) => one % 4 === 3),
      );
      for (const [sequence, wrapped] of Object.entries(found))
        assert.deepEqual(wrapped, ['key-2', `anew ${sequence}`]);
    });
  });
}
