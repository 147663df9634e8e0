import assert from 'node:assert/strict';

import type { LogItem, NewEntry, Store } from '../../src/store/contracts.ts';
import { verifyInclusion, leafHash } from '../../src/tlog/merkle.ts';
import { inclusionProof } from '../../src/tlog/proofs.ts';
import {
  allEntries,
  assertWhole,
  entry,
  item,
  LOG,
  naiveRoot,
  run,
  sealedAs,
  spending,
  textOf,
} from './entries.ts';

/** What every store promises of its logs. */
export function logContract(current: () => Store, restart: () => Promise<Store>): void {
  const append = (...items: LogItem[]) => current().log.append(LOG, items);
  const log = () => current().log;

  describe('appends', () => {
    it('in order, numbered from 0, whole, and as the bytes that the tree covers', async () => {
      const whole: NewEntry = entry('b', {
        at: 1_234,
        event: 'query-answered',
        facts: '"at":1234,"text":"caf\u00e9 \\u0000 \ud83d\udc69\u200d\u2695\ufe0f"',
        index: {
          region: 'london',
          jti: 'jti-1',
          patient: 'p-digest',
          user: 'u-digest',
          organisation: 'RJ6',
          outcome: 'answered',
          breakGlass: true,
        },
        sealed: sealedAs('b'),
      });
      const appended = await append(item(entry('a'), whole), item(), item(entry('c')));
      assert.deepEqual(appended, [
        { fresh: true, sequence: 0 },
        { fresh: true, sequence: undefined },
        { fresh: true, sequence: 2 },
      ]);
      const [first, second, third] = await log().entries(LOG, 0, 10);
      assert.ok(first && second && third);
      assert.equal(textOf(first), '{"seq":0,"exchange":"a"}');
      assert.deepEqual(Buffer.from(second.leaf), Buffer.from(`{"seq":1,${whole.facts}}`));
      assert.deepEqual(second.index, whole.index);
      assert.equal(second.sealed?.wrappedBy, 'key-1');
      assert.deepEqual(Buffer.from(second.sealed.wrappedKey), Buffer.from('wrapped b'));
      assert.deepEqual(Buffer.from(second.sealed.ciphertext), Buffer.from('ciphertext b'));
      assert.equal(third.sealed, undefined);
      assert.equal(third.index.breakGlass, false);
    });

    it('without a gap or a doubling when many append at once', async () => {
      const batches = Array.from({ length: 40 }, (_, nth) => item(...run(1 + (nth % 5), nth * 10)));
      const appended = await Promise.all(batches.map((batch) => append(batch)));
      const entries = await allEntries(log());
      for (const [nth, batch] of batches.entries()) {
        const at = appended[nth]?.[0]?.sequence ?? -1;
        const there = entries.slice(at, at + batch.entries.length).map(textOf);
        assert.deepEqual(
          there,
          batch.entries.map(({ facts }, more) => `{"seq":${at + more},${facts}}`),
        );
      }
      await assertWhole(log(), 120);
    });

    it('nothing, and makes no log, when nothing is given', async () => {
      assert.deepEqual(await append(), []);
      assert.deepEqual(await append(item()), [{ fresh: true, sequence: undefined }]);
      await assertWhole(log(), 0);
    });

    it('to two logs that do not disturb one another', async () => {
      const other = 'broker.example/log-2';
      await Promise.all([
        append(item(...run(3))),
        log().append(other, [item(...run(300))]),
        append(item(...run(2, 3))),
      ]);
      await assertWhole(log(), 5);
      await assertWhole(log(), 300, other);
    });

    it('all of a call or nothing', async () => {
      await append(item(entry('before')));
      const bad = entry('bad', { sealed: { ...sealedAs('bad'), wrappedBy: null as unknown as string } });
      await assert.rejects(append(spending('j', entry('no')), item(bad)), { code: 'audit-unavailable' });
      await assertWhole(log(), 1);
      assert.deepEqual(await append(spending('j', entry('after'))), [{ fresh: true, sequence: 1 }]);
      await assertWhole(log(), 2);
    });

    it('any text, though another side chose it', async () => {
      const odd = ['nul \0', 'half \ud800', 'other half \udc00', '\\ " \' {} ,', '\u{10ffff}'];
      const results = await append(...odd.map((jti) => spending(jti, entry(jti, { index: { jti } }))));
      assert.ok(results.filter(({ fresh }) => fresh).length >= 4);
      assert.deepEqual(await append(spending('\\ " \' {} ,')), [{ fresh: false, sequence: undefined }]);
    });
  });

  describe('gives leaves', () => {
    it('as they are stored, each with its hash, oldest first and in pages', async () => {
      await append(item(...run(700), entry('last', { sealed: sealedAs('last') })));
      await log().append('broker.example/log-2', [item(...run(5))]);
      const entries = await allEntries(log());
      const paged = [];
      for (let page = await log().leaves(LOG, 0, 256); page.length > 0;) {
        paged.push(...page);
        page = await log().leaves(LOG, paged.length, 256);
      }
      assert.deepEqual(
        paged.map(({ sequence, leaf, hash }) => [sequence, Buffer.from(leaf), Buffer.from(hash)]),
        entries.map(({ sequence, leaf }) => [sequence, Buffer.from(leaf), leafHash(leaf)]),
      );
      assert.equal(paged.length, 701);
    });

    it('no more than are asked for or are there', async () => {
      await append(item(...run(12_000)));
      const lengthOf = async (from: number, limit: number) => (await log().leaves(LOG, from, limit)).length;
      assert.deepEqual(
        [await lengthOf(0, 0), await lengthOf(0, -5), await lengthOf(11_990, 100)],
        [1, 1, 10],
      );
      assert.deepEqual([await lengthOf(0, 1_000_000), await lengthOf(12_000, 100)], [10_000, 0]);
    });
  });

  describe('keeps a tree', () => {
    for (const size of [1, 2, 255, 256, 257, 258, 513]) {
      it(`of ${size} that was appended at once`, async () => {
        await append(item(...run(size)));
        await assertWhole(log(), size);
      });
    }

    it('whose head is right at every size around the first tiles', async () => {
      const check = async (size: number): Promise<void> => {
        const leaves = (await allEntries(log())).map(({ leaf }) => leaf);
        assert.deepEqual(await log().head(LOG), { size, root: naiveRoot(leaves) });
      };
      for (const [from, to] of [
        [0, 5],
        [253, 259],
        [510, 515],
      ] as const) {
        await append(item(...run(from - (await log().head(LOG)).size)));
        for (let size = from + 1; size <= to; size += 1) {
          await append(item(entry(`e-${size}`)));
          await check(size);
        }
      }
      await assertWhole(log(), 515);
    });

    it('of more than one level of tiles', async () => {
      const size = 256 * 256 + 300;
      for (let at = 0; at < size; at += 8_000) {
        await append(item(...run(Math.min(8_000, size - at), at)));
      }
      const { root } = await log().head(LOG);
      for (const index of [0, 255, 256, 65_535, 65_536, size - 1]) {
        const proof = await inclusionProof(index, size, (wanted) => log().tiles(LOG, wanted));
        const [one] = await log().entries(LOG, index, 1);
        assert.ok(one !== undefined && verifyInclusion(leafHash(one.leaf), index, size, proof, root));
      }
    }).timeout(60_000);

    it('over a restart', async () => {
      await append(item(...run(300)));
      const again = await restart();
      await again.log.append(LOG, [item(...run(213, 300))]);
      await assertWhole(again.log, 513);
    });

    it('and proves a smaller tree after it has grown', async () => {
      await append(item(...run(260)));
      const { root } = await log().head(LOG);
      await append(item(...run(300, 260)));
      const [one] = await log().entries(LOG, 259, 1);
      const proof = await inclusionProof(259, 260, (wanted) => log().tiles(LOG, wanted));
      assert.ok(one !== undefined && verifyInclusion(leafHash(one.leaf), 259, 260, proof, root));
    });
  });

  describe('spends a message with its entries', () => {
    it('once, of any number of concurrent calls', async () => {
      const results = await Promise.all(
        Array.from({ length: 50 }, (_, nth) => append(spending('once', entry(`e-${nth}`)))),
      );
      assert.equal(results.flat().filter(({ fresh }) => fresh).length, 1);
      await assertWhole(log(), 1);
    });

    it('and leaves out the replayed item alone', async () => {
      await append(spending('seen', entry('first')));
      const results = await append(
        spending('new-1', entry('b'), entry('c')),
        spending('seen', entry('no')),
        spending('new-2', entry('d')),
        spending('new-1', entry('no')),
        item(entry('e')),
      );
      assert.deepEqual(results, [
        { fresh: true, sequence: 1 },
        { fresh: false, sequence: undefined },
        { fresh: true, sequence: 3 },
        { fresh: false, sequence: undefined },
        { fresh: true, sequence: 4 },
      ]);
      assert.deepEqual(
        (await allEntries(log())).map((one) => (JSON.parse(textOf(one)) as { exchange: string }).exchange),
        ['first', 'b', 'c', 'd', 'e'],
      );
    });

    it('as one that is spent alone, and the other way round', async () => {
      const keep = Date.now() + 600_000;
      assert.equal(await current().replay.spend('https://broker.example', 'alone', keep), true);
      assert.equal((await append(spending('alone', entry('no'))))[0]?.fresh, false);
      assert.equal((await append(spending('with', entry('yes'))))[0]?.fresh, true);
      assert.equal(await current().replay.spend('https://broker.example', 'with', keep), false);
    });

    it('over a restart', async () => {
      await append(spending('kept', entry('a')));
      const again = await restart();
      assert.equal((await again.log.append(LOG, [spending('kept', entry('no'))]))[0]?.fresh, false);
      await assertWhole(again.log, 1);
    });
  });

  describe('knows open work', () => {
    const open = (exchange: string) => entry(exchange, { work: 'open' });
    const close = (exchange: string) => entry(exchange, { work: 'close' });

    it('oldest first, until it is closed, and over a restart', async () => {
      await append(item(open('a')), item(open('b'), entry('b')), item(open('c')));
      await append(item(close('b')));
      const again = await restart();
      assert.deepEqual(await again.log.openWork(LOG, 10), [
        { exchange: 'a', sequence: 0 },
        { exchange: 'c', sequence: 3 },
      ]);
      assert.deepEqual(await again.log.openWork(LOG, 1), [{ exchange: 'a', sequence: 0 }]);
      assert.deepEqual(await again.log.openWork('broker.example/log-2', 10), []);
    });

    it('that begins and ends in one call', async () => {
      await append(item(open('a'), close('a'), open('b')), item(close('c'), open('c')), item(open('b')));
      await append(item(open('b'), close('c'), open('c')));
      assert.deepEqual(await log().openWork(LOG, 10), [
        { exchange: 'b', sequence: 2 },
        { exchange: 'c', sequence: 8 },
      ]);
    });
  });

  it('erases what is sealed and what finds it, and leaves leaves, head and proofs', async () => {
    const about = (n: number) =>
      entry(`e-${n}`, {
        index: { patient: `p-${n}`, user: `u-${n}`, region: 'london' },
        sealed: sealedAs(`${n}`),
      });
    await append(item(...Array.from({ length: 20 }, (_, n) => about(n))));
    const before = await allEntries(log());
    const head = await log().head(LOG);
    await log().erase(LOG, [3, 7, 999]);
    await log().erase(LOG, []);
    const after = await allEntries(log());
    const gone = { patient: undefined, user: undefined };
    assert.deepEqual(
      after,
      before.map((one) =>
        [3, 7].includes(one.sequence) ? { ...one, sealed: undefined, index: { ...one.index, ...gone } } : one,
      ),
    );
    assert.deepEqual(await log().head(LOG), head);
    await assertWhole(log(), 20);
    const found = await log().search({ from: 0, to: 9e12, patients: ['p-3', 'p-7', 'p-8'], limit: 10 });
    assert.deepEqual(
      found.map(({ sequence }) => sequence),
      [8],
    );
  });
}
