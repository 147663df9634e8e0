import assert from 'node:assert/strict';

import type { Store } from '../../src/store/contracts.ts';

/** What every store promises of whom demographics told as restricted. */
export function toldRestrictionContract(current: () => Store, restart: () => Promise<Store>): void {
  const told = async (patients: readonly string[]): Promise<Record<string, number>> => {
    const rows = await current().toldRestrictions.of(patients);
    return Object.fromEntries(rows.map((row) => [row.patient, row.told]));
  };

  describe('keeps whom demographics told as restricted', () => {
    it('once each, as it was told last, over a restart', async () => {
      await current().toldRestrictions.record([
        { patient: 'p', told: 20 },
        { patient: 'q', told: 10 },
        { patient: 'q', told: 30 },
        { patient: 'q', told: 20 },
      ]);
      await current().toldRestrictions.record([{ patient: 'p', told: 10 }]);
      await restart();
      assert.deepEqual(await told(['p', 'q', 'none', 'p']), { p: 20, q: 30 });
      await current().toldRestrictions.record([{ patient: 'p', told: 40 }]);
      assert.deepEqual(await told(['p']), { p: 40 });
      assert.deepEqual(await told([]), {});
    });

    it('until a later answer lifts it: an older one does not, nor one of that moment', async () => {
      await current().toldRestrictions.record(['p', 'q', 'r'].map((patient) => ({ patient, told: 20 })));
      for (const before of [19, 20]) await current().toldRestrictions.lift(['p', 'q'], before);
      assert.deepEqual(await told(['p', 'q', 'r']), { p: 20, q: 20, r: 20 });
      await current().toldRestrictions.lift(['p', 'none', 'q', 'p'], 21);
      await current().toldRestrictions.lift([], 21);
      await restart();
      assert.deepEqual(await told(['p', 'q', 'r']), { r: 20 });
    });

    it('many in one call', async () => {
      const patients = Array.from({ length: 1_100 }, (_, nth) => `p-${nth}`);
      await current().toldRestrictions.record(patients.map((patient) => ({ patient, told: 5 })));
      await current().toldRestrictions.record([]);
      assert.equal((await current().toldRestrictions.of([...patients, 'none'])).length, 1_100);
      await current().toldRestrictions.lift(patients.slice(1), 6);
      assert.deepEqual(await told(patients), { 'p-0': 5 });
    });

    it('whoever tells and lifts at the same time', async () => {
      const patients = Array.from({ length: 20 }, (_, nth) => `p-${nth}`);
      const others = patients.toReversed();
      await Promise.all(
        [10, 11, 12, 13].flatMap((at) => [
          current().toldRestrictions.record(patients.map((patient) => ({ patient, told: at }))),
          current().toldRestrictions.lift(others, at),
        ]),
      );
      assert.deepEqual(await told(patients), Object.fromEntries(patients.map((one) => [one, 13])));
    });
  });
}
