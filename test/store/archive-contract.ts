import assert from 'node:assert/strict';

import type { Segment, Store } from '../../src/store/contracts.ts';
import { append as appended, emptyFrontier, rootOf } from '../../src/tlog/frontier.ts';
import { edgeFrom } from '../../src/tlog/grow.ts';
import { leafHash, verifyConsistency, verifyInclusion } from '../../src/tlog/merkle.ts';
import { consistencyProof, inclusionProof } from '../../src/tlog/proofs.ts';
import { tilesAtEdge } from '../../src/tlog/tiles.ts';
import { allEntries, item, LOG, naiveRoot, run, sealedAs } from './entries.ts';

const OTHER = 'broker.example/log-2';

const segment = (from: number, to: number, log = LOG): Segment => ({
  ...{ log, from, to, file: `${from}-${to}.gz`, sha256: `${to}`.padStart(64, '0') },
  ...{ oldest: from * 10, newest: to * 10, archivedAt: 5_000, prunedAt: undefined },
});

/** What every store promises of what is archived, and of a log whose beginning is pruned. */
export function archiveContract(current: () => Store, restart: () => Promise<Store>): void {
  const archive = () => current().archive;
  const log = () => current().log;

  /** A log of as many entries, each with something sealed, pruned to there. */
  async function pruned(size: number, to: number): Promise<Buffer[]> {
    const entries = run(size).map((one, nth) => ({
      ...one,
      index: { patient: `p-${nth}`, region: 'london' },
      sealed: sealedAs(`${nth}`),
    }));
    for (let at = 0; at < size; at += 5_000)
      await log().append(LOG, [item(...entries.slice(at, at + 5_000))]);
    const leaves = (await allEntries(log())).map(({ leaf }) => Buffer.from(leaf));
    assert.equal(await archive().register(segment(0, to)), true);
    assert.equal(await archive().beginPrune(LOG, 0, 9_000), true);
    while ((await archive().prune(LOG, 100)) > 0);
    return leaves;
  }

  describe('registers segments', () => {
    it('that join, each once, and gives them in order, over a restart', async () => {
      assert.equal(await archive().last(LOG), undefined);
      assert.equal(await archive().register(segment(5, 10)), false);
      assert.equal(await archive().register(segment(0, 10)), true);
      for (const [from, to] of [
        [0, 10],
        [0, 20],
        [5, 20],
        [11, 20],
      ] as const)
        assert.equal(await archive().register(segment(from, to)), false, `${from} to ${to}`);
      assert.equal(await archive().register(segment(10, 25)), true);
      assert.equal(await archive().register(segment(0, 7, OTHER)), true);
      const again = await restart();
      assert.deepEqual(await again.archive.segments(LOG, 0, 10), [segment(0, 10), segment(10, 25)]);
      assert.deepEqual(await again.archive.segments(LOG, 1, 10), [segment(10, 25)]);
      assert.deepEqual(await again.archive.segments(LOG, 0, 1), [segment(0, 10)]);
      assert.deepEqual(await again.archive.last(LOG), segment(10, 25));
      assert.deepEqual(await again.archive.last(OTHER), segment(0, 7, OTHER));
    });

    it('and finds them by their files', async () => {
      await archive().register(segment(0, 10));
      await archive().register(segment(0, 7, OTHER));
      assert.deepEqual(await archive().named(['0-7.gz', 'no.gz']), [segment(0, 7, OTHER)]);
      assert.deepEqual(await archive().named([]), []);
    });

    it('of which one of many that come at once is kept', async () => {
      const rivals = Array.from({ length: 10 }, (_, nth) => ({ ...segment(0, 10), sha256: `${nth}` }));
      const results = await Promise.all(rivals.map((one) => archive().register(one)));
      assert.equal(results.filter(Boolean).length, 1);
      assert.deepEqual(await archive().segments(LOG, 0, 10), [rivals[results.indexOf(true)]]);
    });

    it('and begins to prune the first alone that is not pruned, once', async () => {
      await log().append(LOG, [item(...run(256))]);
      for (const [from, to] of [
        [0, 10],
        [10, 20],
      ] as const)
        await archive().register(segment(from, to));
      assert.equal(await archive().beginPrune(LOG, 10, 1), false);
      assert.equal(await archive().beginPrune(OTHER, 0, 1), false);
      assert.equal(await log().pruned(LOG), 0);
      assert.equal(await archive().beginPrune(LOG, 0, 9_000), true);
      assert.equal(await archive().beginPrune(LOG, 0, 9_001), false);
      assert.equal(await log().pruned(LOG), 10);
      assert.equal(await log().pruned(OTHER), 0);
      assert.deepEqual(await archive().segments(LOG, 0, 1), [{ ...segment(0, 10), prunedAt: 9_000 }]);
      assert.equal(await archive().beginPrune(LOG, 10, 9_002), true);
      assert.equal(await log().pruned(LOG), 20);
    });

    it('and begins to prune none whose leaves are not all in full tiles', async () => {
      await log().append(LOG, [item(...run(299))]);
      await archive().register(segment(0, 256));
      await archive().register(segment(256, 300));
      assert.equal(await archive().beginPrune(LOG, 0, 1), true);
      assert.equal(await archive().beginPrune(LOG, 256, 1), false);
      await log().append(LOG, [item(...run(212))]);
      assert.equal(await archive().beginPrune(LOG, 256, 1), false);
      await log().append(LOG, [item(...run(1))]);
      assert.equal(await archive().beginPrune(LOG, 256, 1), true);
    });

    it('and finds the pruned ones by time, of any log, newest first', async () => {
      for (const one of [LOG, OTHER]) await log().append(one, [item(...run(256))]);
      for (const [from, to] of [
        [0, 10],
        [10, 20],
        [20, 30],
      ] as const)
        await archive().register(segment(from, to));
      await archive().register(segment(0, 15, OTHER));
      for (const from of [0, 10]) await archive().beginPrune(LOG, from, 1);
      await archive().beginPrune(OTHER, 0, 1);
      const found = async (from: number, to: number, limit = 10) =>
        (await archive().prunedWithin(from, to, limit)).map((one) => `${one.log.at(-1)}:${one.from}`);
      assert.deepEqual(await found(0, 9e15), ['1:10', '2:0', '1:0']);
      assert.deepEqual(await found(0, 9e15, 1), ['1:10']);
      assert.deepEqual(await found(200, 9e15), ['1:10']);
      assert.deepEqual(await found(201, 9e15), []);
      assert.deepEqual(await found(0, 100), ['2:0', '1:0']);
      assert.deepEqual(await found(0, 0), []);
    });
  });

  describe('prunes', () => {
    it('nothing that was not said to be', async () => {
      await log().append(LOG, [item(...run(300))]);
      await archive().register(segment(0, 20));
      assert.equal(await archive().prune(LOG, 100), 0);
      assert.equal((await allEntries(log())).length, 300);
    });

    it('some at a time, what lies before the place alone, and of that log alone', async () => {
      await log().append(OTHER, [item(...run(30))]);
      await log().append(LOG, [item(...run(300))]);
      await archive().register(segment(0, 250));
      await archive().beginPrune(LOG, 0, 1);
      const counts: number[] = [];
      do counts.push(await archive().prune(LOG, 100));
      while (counts.at(-1) !== 0);
      assert.deepEqual(counts, [100, 100, 50, 0]);
      const [first, ...more] = await log().entries(LOG, 0, 1_000);
      assert.deepEqual([first?.sequence, more.length], [250, 49]);
      assert.equal((await allEntries(log(), OTHER)).length, 30);
    });

    it('and goes on after a restart in the middle of it', async () => {
      await log().append(LOG, [item(...run(600))]);
      await archive().register(segment(0, 260));
      await archive().beginPrune(LOG, 0, 1);
      await archive().prune(LOG, 100);
      const again = await restart();
      assert.equal(await again.log.pruned(LOG), 260);
      assert.equal((await again.log.entries(LOG, 0, 1))[0]?.sequence, 100);
      while ((await again.archive.prune(LOG, 1_000)) > 0);
      assert.equal((await again.log.entries(LOG, 0, 1))[0]?.sequence, 260);
    });

    it('entries, and keeps their keys until they are erased', async () => {
      await pruned(600, 300);
      const keys = await archive().keys(LOG, 0, 600);
      assert.equal(keys.length, 600);
      assert.deepEqual(
        { ...keys[7], wrappedKey: Buffer.from(keys[7]?.wrappedKey ?? []) },
        { sequence: 7, wrappedBy: 'key-1', wrappedKey: Buffer.from('wrapped 7') },
      );
      assert.deepEqual(
        (await archive().keys(LOG, 298, 302)).map(({ sequence }) => sequence),
        [298, 299, 300, 301],
      );
      await log().erase(LOG, [7, 299, 300]);
      const left = (await archive().keys(LOG, 0, 600)).map(({ sequence }) => sequence);
      assert.equal(left.length, 597);
      assert.ok([7, 299, 300].every((sequence) => !left.includes(sequence)));
      assert.equal((await log().entries(LOG, 301, 1))[0]?.sealed?.ciphertext.length, 'ciphertext 301'.length);
    });

    it('entries that are being erased at the same moment, and keeps none of their keys', async () => {
      const entries = run(512).map((one, nth) => ({ ...one, sealed: sealedAs(`${nth}`) }));
      await log().append(LOG, [item(...entries)]);
      await archive().register(segment(0, 512));
      await archive().beginPrune(LOG, 0, 1);
      const pruning = (async () => {
        while ((await archive().prune(LOG, 9)) > 0) await new Promise((next) => setImmediate(next));
      })();
      const erasing = (async () => {
        for (let at = 0; at < 512; at += 4) {
          await Promise.all([0, 1, 2].map((more) => log().erase(LOG, [at + more])));
        }
      })();
      await Promise.all([pruning, erasing]);
      const left = (await archive().keys(LOG, 0, 512)).map(({ sequence }) => sequence);
      assert.deepEqual(
        left,
        Array.from({ length: 128 }, (_, nth) => nth * 4 + 3),
      );
    });

    it('and finds no more of it by a search', async () => {
      await pruned(600, 300);
      const found = await log().search({ from: 0, to: 9e12, region: 'london', limit: 1_000 });
      assert.deepEqual([found.length, found.every(({ sequence }) => sequence >= 300)], [300, true]);
    });

    for (const to of [1, 255, 256, 257, 300, 511, 512]) {
      it(`to ${to}, and proves every entry and every older tree as before`, async () => {
        const size = 600;
        const leaves = await pruned(size, to);
        const { root } = await log().head(LOG);
        assert.deepEqual(Buffer.from(root), naiveRoot(leaves));
        for (const index of [0, to - 1, to, to + 1, 300, 599]) {
          for (const within of [index + 1, Math.max(to, index + 1), 513, size]) {
            if (index >= within) continue;
            const proof = await inclusionProof(index, within, (tiles) => log().tiles(LOG, tiles));
            const leaf = leafHash(leaves[index] ?? Buffer.of());
            const tree = naiveRoot(leaves.slice(0, within));
            assert.ok(verifyInclusion(leaf, index, within, proof, tree), `${index} of ${within}`);
          }
        }
        for (const old of [1, to - 1, to, to + 1, 256, 599].filter((one) => one > 0)) {
          const proof = await consistencyProof(old, size, (tiles) => log().tiles(LOG, tiles));
          assert.ok(verifyConsistency(old, size, naiveRoot(leaves.slice(0, old)), Buffer.from(root), proof));
          const edge = edgeFrom(old, await log().tiles(LOG, tilesAtEdge(old)));
          assert.deepEqual(rootOf(edge.frontier), naiveRoot(leaves.slice(0, old)));
        }
      });
    }

    it('and appends on, over a restart, as if nothing had been', async () => {
      const leaves = await pruned(600, 512);
      const again = await restart();
      const [more] = await again.log.append(LOG, [item(...run(300, 600))]);
      assert.equal(more?.sequence, 600);
      const rest = (await again.log.entries(LOG, 0, 1_000)).map(({ leaf }) => Buffer.from(leaf));
      assert.equal(rest.length, 388);
      const all = [...leaves.slice(0, 512), ...rest];
      const frontier = appended(emptyFrontier(), all.map(leafHash));
      const head = await again.log.head(LOG);
      assert.deepEqual([head.size, Buffer.from(head.root)], [900, rootOf(frontier)]);
    });
  });

  it('forgets counts of refusals from before a time, and says when none is left', async () => {
    const minute = 1_700_000_040_000;
    for (const nth of [0, 1, 2]) await log().count('malformed', minute + nth * 60_000);
    await log().count('health-write', 0);
    assert.equal(await log().forgetCounts(minute + 120_000), 2);
    assert.equal(await log().forgetCounts(minute + 120_000), 0);
    assert.deepEqual(
      (await log().counts(0, 9e15)).map(({ code }) => code),
      ['malformed', 'health-write'],
    );
  });
}
