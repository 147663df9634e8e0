import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

import type { Entry } from '../../src/audit/entry.ts';
import { AuditLog } from '../../src/audit/log.ts';
import { rewrapKeys, type Rewrapped, type RewrapProgress } from '../../src/audit/rewrap.ts';
import { keyId, Keyring } from '../../src/audit/sealing.ts';
import { successionOf } from '../../src/audit/succession/succession.ts';
import { verifyLog } from '../../src/audit/whole-log/verify-log.ts';
import { Checkpoints } from '../../src/audit/witnessing/checkpoints.ts';
import type { KeyStore, Store } from '../../src/store/contracts.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { SIGNATURE_TYPE, verifierKey } from '../../src/tlog/note-keys.ts';

const FIRST = 'broker.example/log/1';
const SECOND = 'broker.example/log/1/2';
const [FORMER, OLDER, CURRENT, STRANGE] = [0, 1, 2, 3].map(() => randomBytes(32)) as [
  ...[Buffer, Buffer, Buffer, Buffer],
];
const RING = [CURRENT, FORMER, OLDER];
const PATIENT = '9990000018';
const PRUNED = 256;
const digest = (value: string): string => `digest of ${value}`;

describe('wrapping the keys of entries anew', () => {
  let directory: string;
  let store: Store;
  let made = 0;
  before(() => {
    mkdirSync(resolve('var/test'), { recursive: true });
    directory = mkdtempSync(resolve('var/test/rewrap-'));
  });
  after(() => rmSync(directory, { recursive: true, force: true }));
  beforeEach(async () => {
    store = await openSqliteStore(join(directory, `${(made += 1)}.db`));
  });
  afterEach(() => store.close());

  const logOf = (origin: string, keys: readonly Buffer[]): AuditLog =>
    new AuditLog({ store: store.log, origin, keyring: new Keyring(keys), digest, now: Date.now });
  const write = (origin: string, count: number, keys: readonly Buffer[]) =>
    logOf(origin, keys).append(
      Array.from({ length: count }, (_, nth): Entry => {
        const facts = { region: 'london', jti: `jti-${nth}`, outcome: 'answered' };
        return { event: 'query-answered', exchange: `e-${nth}`, facts, nhsNumber: PATIENT };
      }),
    );
  const rewrap = (
    keys: readonly Buffer[] = RING,
    more: { keys?: KeyStore; onProgress?: (progress: RewrapProgress) => void } = {},
  ): Promise<Rewrapped> =>
    rewrapKeys({
      ...{ store: { log: store.log, keys: more.keys ?? store.keys }, keyring: new Keyring(keys) },
      ...{ pause: () => Promise.resolve(), onProgress: more.onProgress },
    });
  const counts = ({ rewrapped, current, unopened }: Rewrapped): number[] => [rewrapped, current, unopened];
  const signing = generateKeyPairSync('ed25519');
  const verify = (origin: string, keys: readonly Buffer[]) =>
    verifyLog(
      {
        ...{ log: logOf(origin, keys), store: store.log, checkpoints: store.checkpoints, digest },
        keys: [verifierKey(origin, SIGNATURE_TYPE.ed25519, signing.publicKey)],
      },
      { sealed: true },
    );
  /** Prunes the beginning of the first log. */
  const prune = async (): Promise<void> => {
    const named = { log: FIRST, from: 0, to: PRUNED, file: 'f', sha256: 's', oldest: 0, newest: 9e15 };
    assert.ok(await store.archive.register({ ...named, archivedAt: 1 }));
    assert.ok(await store.archive.beginPrune(FIRST, 0, 1));
    while ((await store.archive.prune(FIRST, 1_000)) > 0);
  };

  it('leaves every entry open with the new key alone: ended logs and archived entries too, erased ones erased', async () => {
    await write(FIRST, PRUNED, [OLDER]);
    const { log, checkpoints } = store;
    await new Checkpoints({ log, checkpoints, origin: FIRST, key: signing.privateKey, now: Date.now }).sign();
    await write(FIRST, 944, [FORMER, OLDER]);
    await prune();
    const words = { why: 'sealed', fault: undefined, checkpoint: undefined, highest: undefined } as const;
    const decision = { by: 'an admin', reason: 'test' };
    await store.log.succeed(successionOf(logOf(FIRST, [FORMER]), SECOND, words, decision, 1));
    await write(SECOND, 10, [FORMER]);
    await write(SECOND, 20, RING);
    const erased = Array.from({ length: 600 }, (_, nth) => nth * 2);
    await store.log.erase(FIRST, erased);
    const seen: RewrapProgress[] = [];
    const done = await rewrap(RING, { onProgress: (progress) => void seen.push(progress) });
    assert.deepEqual(counts(done), [611, 20, 0]);
    assert.deepEqual(done.notNeeded, [FORMER, OLDER].map(keyId));
    assert.deepEqual(done.needed, []);
    assert.deepEqual(seen.at(-1), { done: 1_231, size: 1_231 });

    const first = await verify(FIRST, [CURRENT]);
    assert.deepEqual(
      [first.fault, first.archived, first.opened, first.erased],
      [undefined, PRUNED, 472, 472],
    );
    const second = await verify(SECOND, [CURRENT]);
    assert.deepEqual([second.fault, second.opened], [undefined, 31]);
    const archived = await store.archive.keys(FIRST, 0, PRUNED);
    assert.equal(archived.length, PRUNED / 2);
    assert.ok(archived.every((key) => new Keyring([CURRENT]).unwrap(key) !== undefined));
    const found = await store.log.search({ from: 0, to: 9e15, patients: [digest(PATIENT)], limit: 1_000 });
    assert.equal(found.length, 502);
    const reader = logOf(FIRST, [CURRENT]);
    assert.ok(found.every((one) => reader.read(one).opened?.['nhs_number']?.value === PATIENT));
    assert.equal((await verify(FIRST, [FORMER])).fault?.kind, 'sealed');
  });

  it('does nothing when it is run again', async () => {
    await write(FIRST, 700, [FORMER]);
    assert.deepEqual(counts(await rewrap()), [700, 0, 0]);
    const before = await store.log.entries(FIRST, 0, 1_000);
    assert.deepEqual(counts(await rewrap()), [0, 700, 0]);
    assert.deepEqual(await store.log.entries(FIRST, 0, 1_000), before);
  });

  it('goes on where a run was stopped', async () => {
    await write(FIRST, 1_200, [FORMER]);
    let steps = 0;
    const rewrapOnce: KeyStore['rewrap'] = (log, changes) => {
      if ((steps += 1) > 1) throw new Error('stopped');
      return store.keys.rewrap(log, changes);
    };
    await assert.rejects(rewrap(RING, { keys: { ...store.keys, rewrap: rewrapOnce } }), /stopped/);
    assert.deepEqual(counts(await rewrap()), [700, 500, 0]);
    assert.equal((await verify(FIRST, [CURRENT])).opened, 1_200);
  });

  it('counts what no key opens, leaves it, and says which former key it is under', async () => {
    await write(FIRST, 3, [STRANGE]);
    await write(FIRST, 4, [FORMER]);
    await write(FIRST, 5, [OLDER]);
    await write(FIRST, 1, [CURRENT]);
    const [broken] = await store.keys.page(FIRST, 3, 1);
    assert.ok(broken);
    // One whose wrapped key is not what its key has wrapped, under a former key and under the current one.
    for (const [sequence, former] of [
      [3, FORMER],
      [12, CURRENT],
    ] as const)
      await store.keys.rewrap(FIRST, [
        { sequence, former: keyId(former), wrappedBy: keyId(former), wrappedKey: randomBytes(60) },
      ]);
    const before = await store.keys.page(FIRST, 0, 4);
    const done = await rewrap();
    assert.deepEqual(counts(done), [8, 0, 5]);
    assert.deepEqual([done.needed, done.notNeeded], [[keyId(FORMER)], [keyId(OLDER)]]);
    assert.deepEqual(await store.keys.page(FIRST, 0, 4), before);
    assert.deepEqual(counts(await rewrap([...RING, STRANGE])), [3, 8, 2]);
  });

  it('brings nothing back that is erased after it was read, and counts it nowhere', async () => {
    await write(FIRST, 600, [FORMER]);
    const erasing: KeyStore = {
      ...store.keys,
      rewrap: async (log, changes) => {
        const mine = changes.map(({ sequence }) => sequence).filter((one) => [0, 300, 599].includes(one));
        await store.log.erase(log, mine);
        return store.keys.rewrap(log, changes);
      },
    };
    assert.deepEqual(counts(await rewrap(RING, { keys: erasing })), [597, 0, 0]);
    const { opened, erased, fault } = await verify(FIRST, [CURRENT]);
    assert.deepEqual([opened, erased, fault], [597, 3, undefined]);
  });

  it('follows a key that is pruned after it was read', async () => {
    await write(FIRST, 512, [FORMER]);
    let pruned = false;
    const pruning: KeyStore = {
      ...store.keys,
      rewrap: async (log, changes) => {
        if (!pruned) await prune();
        pruned = true;
        return store.keys.rewrap(log, changes);
      },
    };
    assert.deepEqual(counts(await rewrap(RING, { keys: pruning })), [512, 0, 0]);
    const keys = await store.archive.keys(FIRST, 0, 512);
    assert.ok(keys.length === 512 && keys.every(({ wrappedBy }) => wrappedBy === keyId(CURRENT)));
  });

  it('looks again at what another held at that moment', async () => {
    await write(FIRST, 10, [FORMER]);
    let held = true;
    const holding: KeyStore = {
      ...store.keys,
      rewrap: (log, changes) => {
        const free = held ? changes.slice(5) : changes;
        held = false;
        return store.keys.rewrap(log, free);
      },
    };
    assert.deepEqual(counts(await rewrap(RING, { keys: holding })), [10, 0, 0]);
  });
});
