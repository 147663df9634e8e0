import assert from 'node:assert/strict';

import type { DirectoryChange, DirectoryImport, DirectoryVersion, Store } from '../../src/store/contracts.ts';

const version = (code: string, more: Partial<DirectoryVersion> = {}): DirectoryVersion => ({
  ...{ code, kind: 'cost-centres', seen: '2026-02-01', facts: `{"name":"${code}"}` },
  ...more,
});
const MADE: DirectoryImport = {
  ...{ kind: 'cost-centres', date: '2026-02-01', file: 'epraccur.csv', sha256: 'ab', lines: 3, refused: 1 },
  at: 1_700_000_000_000,
};
const change = (parts: Partial<DirectoryChange>): DirectoryChange => ({
  ...{ remove: [], add: [], imports: [] },
  ...parts,
});
const codes = (count: number): DirectoryVersion[] =>
  Array.from({ length: count }, (_, n) => version(`A${String(n).padStart(5, '0')}`));

/** What every store promises of the imported directory. */
export function directoryContract(current: () => Store, restart: () => Promise<Store>): void {
  describe('keeps the directory', () => {
    const known = async (): Promise<string[]> =>
      (await current().directory.read()).versions.map(({ code, seen }) => `${code} ${seen}`);

    it('which is empty at first', async () => {
      assert.equal(await current().directory.generation(), 0);
      assert.deepEqual(await current().directory.read(), { generation: 0, versions: [], imports: [] });
    });

    it('with its versions and imports, over a restart', async () => {
      const add = [version('E82006'), version('F81027'), version('F81027', { kind: 'practice-map' })];
      const generation = await current().directory.replace(0, change({ add, imports: [MADE] }));
      const store = await restart();
      assert.equal(await store.directory.generation(), generation);
      assert.deepEqual(await store.directory.read(), { generation, versions: add, imports: [MADE] });
    });

    it('of many versions in many steps, and says how far it is', async () => {
      const told: number[] = [];
      const add = codes(5_300);
      await current().directory.replace(0, change({ add }), (done) => told.push(done));
      assert.deepEqual((await current().directory.read()).versions, add);
      assert.equal(told.at(-1), 5_300);
      assert.deepEqual(
        told,
        told.toSorted((one, other) => one - other),
      );
    });

    it('and puts one version in the place of another', async () => {
      const add = codes(600);
      const first = await current().directory.replace(0, change({ add }));
      const [was] = add;
      assert.ok(first !== undefined && was !== undefined);
      const now = { ...was, facts: '{"name":"another"}' };
      const removed = add.slice(1, 400);
      const second = await current().directory.replace(
        first,
        change({ remove: [was, ...removed], add: [now] }),
      );
      assert.ok(second !== undefined && second !== first);
      assert.deepEqual((await current().directory.read()).versions, [now, ...add.slice(400)]);
    });

    it('and changes nothing for whoever worked it out on an older generation', async () => {
      const first = await current().directory.replace(0, change({ add: [version('E82006')] }));
      assert.equal(await current().directory.replace(0, change({ add: [version('F81027')] })), undefined);
      assert.equal(await current().directory.generation(), first);
      assert.deepEqual(await known(), ['E82006 2026-02-01']);
    });

    it('and of two changes at once makes one, whole', async () => {
      const mine = codes(1_500);
      const other = mine.map((one) => ({ ...one, seen: '2025-08-01' }));
      const made = await Promise.all([
        current().directory.replace(0, change({ add: mine })),
        current().directory.replace(0, change({ add: other })),
      ]);
      assert.equal(made.filter((generation) => generation !== undefined).length, 1);
      const { versions } = await current().directory.read();
      assert.deepEqual(versions, made[0] === undefined ? other : mine);
    });

    it('and shows nothing of a change that is under way, nor what is left of one that was cut short', async () => {
      const first = await current().directory.replace(0, change({ add: [version('E82006')] }));
      assert.ok(first !== undefined);
      const whileWritten: Promise<string[]>[] = [];
      const cut = change({ remove: [version('E82006')], add: codes(900) });
      const failed = current().directory.replace(first, cut, (done) => {
        whileWritten.push(known());
        if (done > 500) throw new Error('cut short');
      });
      await assert.rejects(failed, { code: 'store-unavailable' });
      for (const seen of await Promise.all(whileWritten)) assert.deepEqual(seen, ['E82006 2026-02-01']);
      await restart();
      assert.deepEqual(await known(), ['E82006 2026-02-01']);
      await current().directory.replace(first, change({ add: [version('F81027')] }));
      assert.deepEqual(await known(), ['E82006 2026-02-01', 'F81027 2026-02-01']);
    });
  });
}
