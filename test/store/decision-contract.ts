import assert from 'node:assert/strict';

import type { Decision, LogItem, Store } from '../../src/store/contracts.ts';
import { entry, LOG } from './entries.ts';

const decision = (sequence: number, more: Partial<Decision> = {}): Decision => ({
  ...{ sequence, at: 1_000 + sequence, kind: 'paused', region: 'london', by: 'officer-1' },
  ...{ exchange: `x-${sequence}`, detail: `{"n":${sequence}}`, seal: `seal-${sequence}` },
  ...more,
});

const deciding = (sequence: number, more: Partial<Decision> = {}): LogItem => ({
  entries: [entry(`x-${sequence}`)],
  decision: decision(sequence, more),
});

/** What every store promises of decisions on trust. */
export function decisionContract(current: () => Store, restart: () => Promise<Store>): void {
  describe('keeps decisions', () => {
    it('in order, with the entries that tell of them, over a restart', async () => {
      const appended = await current().log.append(LOG, [
        deciding(0),
        { entries: [entry('else')] },
        deciding(1),
      ]);
      assert.deepEqual(appended, [
        { fresh: true, sequence: 0 },
        { fresh: true, sequence: 1 },
        { fresh: true, sequence: 2 },
      ]);
      const store = await restart();
      assert.deepEqual(await store.decisions.from(0, 10), [decision(0), decision(1)]);
      assert.deepEqual(await store.decisions.from(1, 10), [decision(1)]);
      assert.deepEqual(await store.decisions.from(0, 1), [decision(0)]);
      assert.deepEqual(await store.decisions.from(2, 10), []);
    });

    it('and takes none that is not the next: nor its entry, and the others of the step stay', async () => {
      await current().log.append(LOG, [deciding(0)]);
      for (const wrong of [0, 2, -1]) {
        const appended = await current().log.append(LOG, [
          deciding(wrong),
          { entries: [entry(`after ${wrong}`)] },
        ]);
        assert.deepEqual(
          appended.map(({ fresh }) => fresh),
          [false, true],
        );
      }
      assert.deepEqual(await current().decisions.from(0, 10), [decision(0)]);
      assert.equal((await current().log.head(LOG)).size, 4);
    });

    it('of which one of many at once is the next', async () => {
      await current().log.append(LOG, [deciding(0)]);
      const results = await Promise.all(
        Array.from({ length: 20 }, (_, nth) =>
          current().log.append(`broker.example/log-${nth % 3}`, [deciding(1, { by: `officer-${nth}` })]),
        ),
      );
      assert.equal(results.flat().filter(({ fresh }) => fresh).length, 1);
      assert.equal((await current().decisions.from(0, 10)).length, 2);
    });

    it('and none while the store is closed', async () => {
      await current().state.close({ since: 1, why: 'restored', detail: '{}' });
      await assert.rejects(current().log.append(LOG, [deciding(0)]));
      assert.deepEqual(await current().decisions.from(0, 10), []);
    });
  });
}
