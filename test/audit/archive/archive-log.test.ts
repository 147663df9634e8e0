import assert from 'node:assert/strict';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

import { archiveLog, type Archived } from '../../../src/audit/archive/archive-log.ts';
import { keepHouse } from '../../../src/audit/archive/keep-house.ts';
import { pruneLog, type Pruned } from '../../../src/audit/archive/prune-log.ts';
import { readSegment } from '../../../src/audit/archive/segment-file.ts';
import { verifySegment } from '../../../src/audit/archive/verify-segment.ts';
import { unseal, Keyring } from '../../../src/audit/sealing.ts';
import { readLeaf } from '../../../src/audit/entry.ts';
import { checkTail } from '../../../src/audit/whole-log/check-tail.ts';
import { verifyLog, type LogVerdict } from '../../../src/audit/whole-log/verify-log.ts';
import { loadSecrets } from '../../../src/config/secrets.ts';
import type { Store } from '../../../src/store/contracts.ts';
import { openPostgresStore } from '../../../src/store/postgres/store.ts';
import { openSqliteStore } from '../../../src/store/sqlite/store.ts';
import { leafHash, verifyConsistency, verifyInclusion } from '../../../src/tlog/merkle.ts';
import { consistencyProof, inclusionProof, rootAt } from '../../../src/tlog/proofs.ts';
import { startFederation, type TestFederation } from '../../support/federation.ts';
import { sharedPostgres } from '../../support/postgres.ts';
import { DAY, drain, fileOf, OldLog } from './old-log.ts';

const STORES: [string, (directory: string) => Promise<() => Promise<Store>>][] = [
  ['SQLite', (directory) => Promise.resolve(() => openSqliteStore(join(directory, 'old.db')))],
  [
    'PostgreSQL',
    async () => {
      const url = await (await sharedPostgres()).newDatabase();
      return () => openPostgresStore(url);
    },
  ],
];

for (const [name, opening] of STORES) {
  describe(`the archive of a log on ${name}`, () => {
    let federation: TestFederation;
    let directory: string;
    let open: () => Promise<Store>;
    let store: Store;
    let old: OldLog;
    before(async function () {
      this.timeout(60_000);
      federation = await startFederation({ regions: ['herts-west-essex', 'london'] });
    });
    after(() => federation.stop());
    beforeEach(async () => {
      directory = mkdtempSync(join(federation.directory, 'archive-'));
      open = await opening(directory);
      store = await open();
      old = await OldLog.open(federation, store);
    });
    afterEach(() => store.close());

    const restart = async (): Promise<void> => {
      await store.close();
      store = await open();
      old = await old.again(store, federation);
    };
    const archive = async (most = 100_000, before = Date.now()): Promise<Archived[]> =>
      drain(archiveLog(await old.settings(directory), { before, most }));
    const prune = async (
      before = Date.now(),
      pause = (): Promise<void> => Promise.resolve(),
      streams: readonly string[] = [],
    ): Promise<Pruned> => pruneLog(await old.settings(directory), { before, streams, batch: 70, pause });
    const verify = async (): Promise<LogVerdict> => {
      const { keys } = await old.settings(directory);
      const { log, digest } = old;
      return verifyLog(
        { log, digest, keys, store: store.log, checkpoints: store.checkpoints },
        { sealed: true },
      );
    };
    const events = async (event: string): Promise<unknown[]> => {
      const found = await store.log.search({ from: 0, to: 9e15, event, limit: 100 });
      return found.toReversed().map(({ leaf }) => readLeaf(leaf).detail);
    };
    /** 300 entries, each with something sealed, cosigned at 100, 200 and 300; then enough to fill a tile. */
    const write = async (): Promise<void> => {
      for (let nth = 0; nth < 3; nth += 1) {
        await old.write(100);
        await old.sign();
      }
      await old.writeMany(300);
      await old.sign();
    };

    it('is in files up to the largest cosigned checkpoint within a segment, registered and told in the log', async () => {
      await write();
      const made = await archive(250);
      assert.deepEqual(
        made.map(({ from, to }) => [from, to]),
        [
          [0, 200],
          [200, 300],
          // There is none within 250: it goes to the next.
          [300, 600],
        ],
      );
      for (const { file, sha256 } of made) {
        const { summary, holds } = await verifySegment(fileOf(join(directory, file))());
        assert.deepEqual([holds, summary?.sha256], [true, sha256]);
      }
      const registered = await store.archive.segments(old.origin, 0, 10);
      assert.deepEqual(
        registered.map(({ from, to, file, prunedAt }) => [from, to, file, prunedAt]),
        made.map(({ from, to, file }) => [from, to, file, undefined]),
      );
      assert.deepEqual(
        await events('segment-archived'),
        made.map(({ from, to, file, sha256 }) => ({ log: old.origin, from, to, file, sha256 })),
      );
      assert.deepEqual(await archive(250), []);
      assert.deepEqual(
        readdirSync(directory).filter((one) => one.endsWith('.part')),
        [],
      );
      assert.equal((await verify()).fault, undefined);
    });

    it('ends on no checkpoint that is too young, or that nobody cosigned', async () => {
      await old.write(20);
      await old.sign(false);
      assert.deepEqual(await archive(), []);
      await old.write(20);
      await old.sign();
      const cut = old.at + 1;
      await old.write(20);
      old.at += DAY;
      await old.sign();
      const made = await archive(100, cut);
      assert.deepEqual(
        made.map(({ from, to }) => [from, to]),
        [[0, 40]],
      );
      assert.deepEqual(await archive(100, cut), []);
    });

    it('writes no file of a log that is broken, and leaves none behind', async () => {
      await write();
      const broken: Store['log'] = {
        ...store.log,
        entries: async (log, sequence, limit) =>
          (await store.log.entries(log, sequence, limit)).map((entry) =>
            entry.sequence === 150 ? { ...entry, leaf: Buffer.from('{"seq":150,"at":1}') } : entry,
          ),
      };
      const settings = { ...(await old.settings(directory)), store: { ...store, log: broken } };
      const made = drain(archiveLog(settings, { before: Date.now(), most: 250 }));
      await assert.rejects(made, { code: 'not-whole' });
      assert.deepEqual(
        readdirSync(directory).filter((one) => one.includes('segment')),
        [],
      );
      assert.equal(await store.archive.last(old.origin), undefined);
    });

    it('takes over a file that a killed run wrote and did not register, and overwrites no other', async () => {
      await write();
      const settings = await old.settings(directory);
      const killed = { ...settings, trail: Object.create(settings.trail) as typeof settings.trail };
      killed.trail.segmentArchived = () => Promise.reject(new Error('killed'));
      await assert.rejects(drain(archiveLog(killed, { before: Date.now(), most: 250 })), /killed/);
      const [file = ''] = readdirSync(directory).filter((one) => one.includes('segment'));
      const bytes = readFileSync(join(directory, file));
      assert.equal((await archive(250)).length, 3);
      assert.deepEqual(readFileSync(join(directory, file)), bytes);

      await old.write(10);
      await old.sign();
      const [next = ''] = [file.replace('.0-200.', '.600-613.')];
      writeFileSync(join(directory, next), 'of somebody else');
      await assert.rejects(archive(250), { code: 'file-exists' });
      assert.equal(readFileSync(join(directory, next), 'utf8'), 'of somebody else');
    });

    describe('that was pruned', () => {
      it('goes on as if nothing had been: verified, appended to, proved, started again', async () => {
        await write();
        const leaves = (await store.log.entries(old.origin, 0, 1_000)).map(({ leaf }) => leaf);
        await archive(250);
        const pruned = await prune();
        assert.deepEqual(
          pruned.segments.map(({ from, to }) => [from, to]),
          [
            [0, 200],
            [200, 300],
          ],
        );
        assert.equal(pruned.entries, 300);
        // Of entries 300 to 599 the last tile is not full.
        assert.equal(pruned.notYet?.why, 'tree-grows');
        assert.equal((await store.log.entries(old.origin, 0, 1))[0]?.sequence, 300);
        assert.equal((await events('segment-pruned')).length, 2);
        const verdict = await verify();
        assert.deepEqual([verdict.fault, verdict.archived, verdict.from], [undefined, 300, 300]);
        assert.equal(verdict.verified, verdict.size - 300);

        await restart();
        await checkTail(old.log, store, await old.logKeys());
        await old.write(20);
        const size = await old.sign();
        assert.equal((await verify()).fault, undefined);
        const read = (tiles: Parameters<Store['log']['tiles']>[1]) => store.log.tiles(old.origin, tiles);
        const root = Buffer.from((await store.log.head(old.origin)).root);
        for (const index of [0, 199, 255, 299, 300, 450]) {
          const proof = await inclusionProof(index, size, read);
          assert.ok(
            verifyInclusion(leafHash(leaves[index] ?? Buffer.of()), index, size, proof, root),
            `${index}`,
          );
        }
        for (const before of [100, 200, 256, 299, 300, 301, 600]) {
          const proof = await consistencyProof(before, size, read);
          assert.ok(verifyConsistency(before, size, await rootAt(before, read), root, proof), `${before}`);
        }
      });

      it('is begun on a checkpoint before the boundary there, and after it where that is asked', async () => {
        await write();
        await archive(250);
        await prune();
        const { keys } = await old.settings(directory);
        const settings = { log: old.log, digest: old.digest, keys, store: store.log };
        const from = (size: number) =>
          verifyLog({ ...settings, checkpoints: store.checkpoints }, { from: size });
        assert.deepEqual([(await from(100)).from, (await from(600)).from], [300, 600]);
        const lost: Store['checkpoints'] = {
          ...store.checkpoints,
          covering: () => Promise.resolve(undefined),
        };
        const { fault } = await verifyLog({ ...settings, checkpoints: lost });
        assert.deepEqual([fault?.kind, fault?.sequence], ['checkpoint', 299]);
      });

      it('keeps what is too young, what has open work, and what is in no file as it was written', async () => {
        await write();
        const made = await archive(250);
        const [first, second] = made.map(({ file }) => join(directory, file));
        const newest = made[0]?.newest ?? 0;
        assert.deepEqual((await prune(newest)).notYet?.why, 'too-new');
        assert.equal(await store.log.pruned(old.origin), 0);

        renameSync(first ?? '', `${first}.away`);
        await assert.rejects(prune(), { code: 'file-missing' });
        const bytes = readFileSync(`${first}.away`);
        for (const wrong of [
          bytes.subarray(0, -1),
          Buffer.concat([bytes, Buffer.of(0)]),
          flipped(bytes),
          readFileSync(second ?? ''),
        ]) {
          writeFileSync(first ?? '', wrong);
          await assert.rejects(prune(), { code: 'file-changed' });
        }
        rmSync(first ?? '');
        assert.equal(await store.log.pruned(old.origin), 0);
        assert.equal((await events('segment-pruned')).length, 0);
        renameSync(`${first}.away`, first ?? '');
        assert.equal((await prune(newest + 1)).segments.length, 1);
      });

      it('keeps what has open work', async () => {
        const query = { token: 'a.b.c', digest: 'd', issuer: 'https://x.example', keepUntil: 1 };
        await old.trail.queryReceived({ exchange: 'open' }, 'london', query);
        await write();
        await archive(250);
        assert.equal((await prune()).notYet?.why, 'open-work');
        await old.trail.interrupted(['open']);
        assert.ok((await prune()).segments.length > 0);
      });

      it('keeps what has not arrived where a stream sends it', async () => {
        await write();
        const [first] = await archive(250);
        const to = first?.to ?? 0;
        await store.streams.advance('file', old.origin, to);
        await store.streams.advance('siem', old.origin, to - 1);
        const both = (): Promise<Pruned> => prune(Date.now(), undefined, ['file', 'siem']);
        assert.deepEqual(
          [(await both()).notYet?.why, await store.log.pruned(old.origin)],
          ['not-streamed', 0],
        );
        await store.streams.advance('siem', old.origin, to);
        await both();
        assert.equal(await store.log.pruned(old.origin), to);
      });

      it('does not begin where the tiles do not lead to the root of the file', async () => {
        await write();
        await archive(250);
        const settings = await old.settings(directory);
        const log: Store['log'] = {
          ...store.log,
          tiles: async (origin, wanted) =>
            (await store.log.tiles(origin, wanted)).map((hashes) => Buffer.alloc(hashes.length)),
        };
        const wrong = { ...settings, store: { ...store, log } };
        const options = { before: Date.now(), streams: [], batch: 100, pause: () => Promise.resolve() };
        await assert.rejects(pruneLog(wrong, options), { code: 'tree' });
        assert.equal(await store.log.pruned(old.origin), 0);
      });

      it('is gone on with after a stop at any of its steps', async () => {
        await write();
        await archive(250);
        let steps = 0;
        for (let stopAt = 0; stopAt < 12; stopAt += 1) {
          const pause = (): Promise<void> =>
            steps++ === stopAt ? Promise.reject(new Error('stopped')) : Promise.resolve();
          await prune(Date.now(), pause).catch((error: unknown) => assert.match(String(error), /stopped/));
          await restart();
          const { fault, archived } = await verify();
          assert.deepEqual([fault, archived > 0], [undefined, true]);
          await checkTail(old.log, store, await old.logKeys());
        }
        assert.equal(await store.archive.prune(old.origin, 100), 0);
        assert.equal((await store.log.entries(old.origin, 0, 1))[0]?.sequence, 300);
      });

      it('is verified to the end, though it is pruned in the middle of that', async () => {
        await write();
        await archive(250);
        const { keys } = await old.settings(directory);
        let done = false;
        const racing: Store['log'] = {
          ...store.log,
          leaves: async (...words) => {
            if (!done) await prune();
            done = true;
            return store.log.leaves(...words);
          },
        };
        const { log, digest } = old;
        const settings = { log, digest, keys, store: racing, checkpoints: store.checkpoints };
        const { fault, archived, verified, size } = await verifyLog(settings);
        assert.deepEqual([fault, archived, verified], [undefined, 300, size - 300]);
      });

      it('finds an entry that is missing after the boundary, as before', async () => {
        await write();
        await archive(250);
        await prune();
        const { keys } = await old.settings(directory);
        const cut: Store['log'] = {
          ...store.log,
          leaves: async (log, sequence, limit) =>
            (await store.log.leaves(log, sequence, limit)).filter((leaf) => leaf.sequence !== 333),
        };
        const { log, digest } = old;
        const { fault } = await verifyLog({ log, digest, keys, store: cut, checkpoints: store.checkpoints });
        assert.deepEqual([fault?.kind, fault?.sequence], ['missing', 333]);
      });

      it('erases the archived copy of an entry: it does not open any more, and the file still verifies', async () => {
        await write();
        const [made] = await archive(250);
        await prune();
        const keyring = new Keyring(loadSecrets(old.config.secretsDirectory).auditKeys);
        const file = fileOf(join(directory, made?.file ?? ''));
        const opened = async (sequence: number) => {
          const { entries } = await readSegment(file());
          const { leaf, sealed } = (await drain(entries))[sequence] ?? assert.fail();
          const [key] = await store.archive.keys(old.origin, sequence, sequence + 1);
          const values = key && sealed && { ...key, ciphertext: sealed };
          return unseal(values, readLeaf(leaf).sealed ?? {}, keyring);
        };
        for (const sequence of [4, 7, 9]) assert.ok((await opened(sequence))?.['nhs_number'], `${sequence}`);
        await store.log.erase(old.origin, [4, 7]);
        await restart();
        for (const sequence of [4, 7]) assert.equal(await opened(sequence), undefined);
        assert.ok(await opened(9));
        assert.equal((await verifySegment(file())).holds, true);
      });
    });

    it('thins out checkpoints that are old, and no others; proofs and the end of a segment stay', async () => {
      await write();
      await archive(250);
      const sizes = async (): Promise<number[]> =>
        (await store.checkpoints.page(old.origin, 0, 1_000)).map(({ size }) => size);
      for (let nth = 0; nth < 5; nth += 1) {
        await old.write(1);
        await old.sign(nth !== 0);
      }
      await store.log.count('malformed', Date.now() - 40 * DAY);
      await store.log.count('malformed', Date.now());
      const before = await sizes();
      const settings = await old.settings(directory);
      assert.equal((await keepHouse(settings, old.at + 29 * DAY)).checkpoints, 0);
      assert.deepEqual(await sizes(), before);
      const { checkpoints, counts } = await keepHouse(settings, Date.now());
      assert.equal(counts, 1);
      const after = await sizes();
      assert.equal(after.length, before.length - checkpoints);
      // The first of the day; the segments' ends; the largest.
      assert.deepEqual(after, [100, 200, 300, 600, before.at(-1)]);
      assert.equal((await keepHouse(settings, Date.now())).checkpoints, 0);
      await prune();
      assert.equal((await verify()).fault, undefined);
      assert.ok(existsSync(directory));
    });
  });
}

function flipped(bytes: Buffer): Buffer {
  const wrong = Buffer.from(bytes);
  wrong[500] = (wrong[500] ?? 0) ^ 1;
  return wrong;
}
