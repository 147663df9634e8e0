import assert from 'node:assert/strict';

import type { Store } from '../../src/store/contracts.ts';
import { LOG } from './entries.ts';

/** What every store promises of streams' cursors. */
export function cursorContract(current: () => Store, restart: () => Promise<Store>): void {
  const streams = () => current().streams;

  describe("keeps streams' cursors", () => {
    it('at the beginning, until one is moved', async () => {
      assert.equal(await streams().read('siem', LOG), 0);
      await streams().advance('siem', LOG, 0);
      assert.equal(await streams().read('siem', LOG), 0);
    });

    it('each by itself, by stream and log, and over a restart', async () => {
      await streams().advance('siem', LOG, 12);
      await streams().advance('siem', 'broker.example/log-2', 3);
      await streams().advance('file', LOG, 7_000_000_000);
      const again = await restart();
      const read = (stream: string, log: string) => again.streams.read(stream, log);
      assert.deepEqual(
        [
          await read('siem', LOG),
          await read('siem', 'broker.example/log-2'),
          await read('file', LOG),
          await read('file', 'broker.example/log-2'),
        ],
        [12, 3, 7_000_000_000, 0],
      );
    });

    it('and never moves one back', async () => {
      await streams().advance('siem', LOG, 50);
      for (const earlier of [49, 0, 50]) await streams().advance('siem', LOG, earlier);
      assert.equal(await streams().read('siem', LOG), 50);
    });

    it('and of many that move one at once the furthest counts', async () => {
      const nexts = Array.from({ length: 60 }, (_, n) => (n * 37) % 60);
      await Promise.all(nexts.map((next) => streams().advance('siem', LOG, next)));
      assert.equal(await streams().read('siem', LOG), 59);
    });
  });
}
