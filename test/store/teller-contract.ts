import assert from 'node:assert/strict';

import type { Store, ToldCount } from '../../src/store/contracts.ts';

const DAY_MS = 86_400_000;
const of = (teller: string, what: ToldCount['what'], count: number, how: ToldCount['how'] = 'notice') => ({
  ...{ teller, how, what, count },
});

/** What every store promises of the counts of what neighbours told. */
export function tellerContract(current: () => Store, restart: () => Promise<Store>): void {
  it('adds up what became of what neighbours told, by day, over a restart', async () => {
    const { tellers } = current();
    await tellers.add([of('b', 'none', 2), of('a', 'known', 1)], DAY_MS * 10 + 5);
    await Promise.all([1, 2, 3].map((count) => tellers.add([of('b', 'none', count)], DAY_MS * 11)));
    await tellers.add([of('b', 'none', 1, 'handover')], DAY_MS * 12);
    await tellers.add([], DAY_MS * 12);
    const after = (await restart()).tellers;
    assert.deepEqual(await after.since(DAY_MS * 10 + 7), [
      of('a', 'known', 1),
      of('b', 'none', 1, 'handover'),
      of('b', 'none', 8),
    ]);
    assert.deepEqual(await after.since(DAY_MS * 11), [of('b', 'none', 1, 'handover'), of('b', 'none', 6)]);
    await after.forget(DAY_MS * 12 - 1);
    assert.deepEqual(await after.since(0), [of('b', 'none', 1, 'handover'), of('b', 'none', 6)]);
  });
}
