import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';

import { StartError } from '../../src/errors.ts';
import { FreeSpace } from '../../src/store/sqlite/free-space.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { storeContract } from './contract.ts';
import { allEntries, assertWhole, entry, item, LOG, run, spending, textOf } from './entries.ts';

const STORE = resolve(import.meta.dirname, '../../src/store/sqlite/store.ts');
const ENTRIES = resolve(import.meta.dirname, './entries.ts');
const directory = mkdtempSync(join(tmpdir(), 'wayleave-store-'));
let made = 0;
after(() => rmSync(directory, { recursive: true, force: true }));

const newFile = (): string => join(directory, `store-${(made += 1)}.db`);

storeContract('SQLite', async () => {
  const file = newFile();
  return { store: await openSqliteStore(file), again: () => openSqliteStore(file) };
});

/** The beginning of a program that has `store` open on the file. */
const opening = (file: string): string => `
  import { openSqliteStore } from '${STORE}';
  import { entry, item, LOG, run, spending } from '${ENTRIES}';
  const store = await openSqliteStore('${file}');
`;

describe('the SQLite store', () => {
  it('is readable by its owner alone', async () => {
    const file = newFile();
    const store = await openSqliteStore(file);
    await store.log.append(LOG, [item(entry('a'))]);
    for (const name of [file, `${file}-wal`, `${file}-shm`]) assert.equal(statSync(name).mode & 0o077, 0);
    await store.close();
  });

  it('says when its file system has come down to the reserve, and that none has room which cannot be asked', async () => {
    for (const [reserve, room] of [
      [0, true],
      [Number.MAX_SAFE_INTEGER, false],
    ] as const) {
      const store = await openSqliteStore(newFile(), Date.now, reserve);
      assert.equal(store.hasRoom(), room);
      await store.close();
    }
    assert.equal(new FreeSpace(join(directory, 'not there'), 0).hasRoom(), false);
  });

  it('says in a sentence that a file is no store', async () => {
    const file = newFile();
    writeFileSync(
      file,
      'this is a text file, and not a short one, so that it is no empty database'.repeat(20),
    );
    chmodSync(file, 0o600);
    await assert.rejects(
      openSqliteStore(file),
      (error) => error instanceof StartError && error.message.includes(file),
    );
  });

  it('keeps what a killed process was told is written, and its log is whole', async () => {
    for (const killedAt of [1, 20, 90]) {
      const file = newFile();
      const said = saidByKilled(`${opening(file)}
        let [n, told] = [0, 0];
        const work = async () => {
          for (;;) {
            await store.log.append(LOG, [spending('jti-' + n, entry('spent')), item(...run(n++ % 7))]);
            process.stdout.write('told\\n');
            if ((told += 1) === ${killedAt}) process.kill(process.pid, 'SIGKILL');
          }
        };
        for (let worker = 0; worker < 8; worker += 1) void work();
      `);
      const told = said.split('\n').filter(Boolean).length;
      const store = await openSqliteStore(file);
      await assertWhole(store.log, (await store.log.head(LOG)).size);
      const spent = (await allEntries(store.log)).filter((one) => textOf(one).includes('"spent"')).length;
      assert.ok(told > 0 && spent >= told);
      for (let n = 0; n < spent; n += 1) {
        assert.equal((await store.log.append(LOG, [spending(`jti-${n}`, entry('no'))]))[0]?.fresh, false);
      }
      await store.close();
    }
  });

  it('fails every write of a group when another writer holds the store, and goes on afterwards', async () => {
    const file = newFile();
    const store = await openSqliteStore(file);
    const other = new DatabaseSync(file);
    other.exec('BEGIN IMMEDIATE');
    const writes = [1, 2, 3].map((n) => store.log.append(LOG, [spending(`jti-${n}`, entry('no'))]));
    const results = await Promise.allSettled(writes);
    assert.deepEqual(new Set(results.map(({ status }) => status)), new Set(['rejected']));
    other.exec('ROLLBACK');
    other.close();
    assert.equal((await store.log.append(LOG, [spending('jti-1', entry('after'))]))[0]?.fresh, true);
    await assertWhole(store.log, 1);
    await store.close();
  });

  it('waits while another process writes for a moment', async () => {
    const file = newFile();
    const store = await openSqliteStore(file);
    const other = new DatabaseSync(file);
    other.exec('BEGIN IMMEDIATE');
    const write = store.log.append(LOG, [item(entry('a'))]);
    await pause(200);
    other.exec('COMMIT');
    other.close();
    assert.equal((await write)[0]?.sequence, 0);
    await store.close();
  });

  it('never uses the edge of a failed append where another process appended as many entries', async () => {
    const file = newFile();
    const [one, other] = [await openSqliteStore(file), await openSqliteStore(file)];
    await one.log.append(LOG, [item(...run(250))]);
    const bad = { log: undefined } as unknown as string;
    for (const count of [1, 6, 257]) {
      const { size } = await one.log.head(LOG);
      const mine = item(...run(count, 5_000));
      // The second write of the group fails, after the first has grown the tree at hand.
      const group = [one.log.append(LOG, [mine]), one.log.append(bad, [item(entry('no'))])];
      const ended = await Promise.allSettled(group);
      assert.deepEqual(
        ended.map(({ status }) => status),
        ['rejected', 'rejected'],
      );
      await other.log.append(LOG, [item(...run(count, 9_000))]);
      await one.log.append(LOG, [item(entry('next'))]);
      // Now, since the next append of the other would mend the head from the leaves.
      await assertWhole(one.log, size + count + 1);
      await other.log.append(LOG, [item(entry('and next'))]);
      await assertWhole(other.log, size + count + 2);
    }
    await Promise.all([one.close(), other.close()]);
  });

  it('takes writes of several kinds in one group, all or none', async () => {
    const store = await openSqliteStore(newFile());
    const keep = Date.now() + 60_000;
    const [appended, fresh, again] = await Promise.all([
      store.log.append(LOG, [spending('both', entry('a'))]),
      store.replay.spend('https://broker.example', 'other', keep),
      store.log.append(LOG, [spending('other', entry('no')), item(entry('b'))]),
      store.log.count('bad-signature', 0),
      store.objections.record([{ patient: 'p', kind: 'objection', from: 0 }]),
    ]);
    assert.deepEqual(
      [appended[0]?.fresh, fresh, again[0]?.fresh, again[1]?.sequence],
      [true, true, false, 1],
    );
    const wrong = { patient: null as unknown as string, kind: 'objection', from: 0 } as const;
    const group = [
      store.log.append(LOG, [spending('undone', entry('no'))]),
      store.objections.record([wrong]),
      store.replay.spend('https://broker.example', 'undone too', keep),
    ];
    const codes = (await Promise.allSettled(group)).map((one) =>
      one.status === 'rejected' ? (one.reason as { code: string }).code : one.status,
    );
    assert.deepEqual(codes, ['audit-unavailable', 'store-unavailable', 'store-unavailable']);
    assert.equal((await store.log.append(LOG, [spending('undone', entry('c'))]))[0]?.fresh, true);
    assert.equal(await store.replay.spend('https://broker.example', 'undone too', keep), true);
    await assertWhole(store.log, 3);
    await store.close();
  });

  it('rejects what a full disk does not take, keeps none of it, and what was told stays', async () => {
    const file = newFile();
    const script = `${opening(file)}
      await store.log.append(LOG, [item(entry('told'))]);
      const big = entry('no', { facts: '"big":"' + 'x'.repeat(2_000_000) + '"' });
      const group = [spending('j', entry('no')), item(big)].map((one) => store.log.append(LOG, [one]));
      const results = await Promise.allSettled(group);
      const again = await store.log.append(LOG, [spending('j', entry('small'))]);
      console.log(results.map((result) => result.reason?.code ?? result.status).join(' '), again[0].fresh);
    `;
    // A limit on the size of files is to a program what a full disk is: the write comes back with an error.
    const limited = [
      '-c',
      'ulimit -f 1000; exec "$0" --input-type=module-typescript -e "$1"',
      process.execPath,
      script,
    ];
    const said = execFileSync('bash', limited, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    assert.equal(said.trim(), 'audit-unavailable audit-unavailable true');
    const store = await openSqliteStore(file);
    assert.deepEqual((await allEntries(store.log)).map(textOf), [
      '{"seq":0,"exchange":"told"}',
      '{"seq":1,"exchange":"small"}',
    ]);
    await assertWhole(store.log, 2);
    await store.close();
  });

  it('has the room that pruned entries took for what comes', async () => {
    const file = newFile();
    const store = await openSqliteStore(file);
    const sealed = (n: number) => ({
      wrappedBy: 'key-1',
      wrappedKey: Buffer.alloc(60, n),
      ciphertext: Buffer.alloc(2_200, n),
    });
    const entries = run(2_048).map((one, n) => ({ ...one, sealed: sealed(n) }));
    await store.log.append(LOG, [item(...entries)]);
    const segment = { log: LOG, from: 0, to: 2_048, file: 'f', sha256: 's', oldest: 0, newest: 1 };
    await store.archive.register({ ...segment, archivedAt: 1 });
    await store.archive.beginPrune(LOG, 0, 1);
    while ((await store.archive.prune(LOG, 500)) > 0);
    const database = new DatabaseSync(file);
    const count = (what: string): number =>
      Number(Object.values(database.prepare(`PRAGMA ${what}`).get() ?? {})[0]);
    assert.equal((await store.archive.keys(LOG, 0, 2_048)).length, 2_048);
    assert.ok(count('freelist_count') > 0.8 * count('page_count'));
    database.close();
    await store.close();
  });

  it('leaves no byte of what is erased in its files', async () => {
    const file = newFile();
    const store = await openSqliteStore(file);
    const secret = (n: number, what: string) => `${what}-${n}-${'s'.repeat(20)}`;
    const about = (n: number) =>
      entry(`e-${n}`, {
        index: { patient: secret(n, 'patient'), user: secret(n, 'user'), region: 'london' },
        sealed: {
          wrappedBy: 'key-1',
          wrappedKey: Buffer.from(secret(n, 'key')),
          ciphertext: Buffer.from(secret(n, 'cipher').repeat(1 + (n % 5) * 60)),
        },
      });
    for (let from = 0; from < 600; from += 50) {
      await store.log.append(LOG, [item(...Array.from({ length: 50 }, (_, n) => about(from + n)))]);
    }
    const erased = Array.from({ length: 600 }, (_, n) => n).filter((n) => n % 3 === 0 || n > 500);
    const inFiles = (text: string): boolean =>
      [file, `${file}-wal`].some((name) => existsSync(name) && readFileSync(name).includes(text));
    assert.ok(erased.every((n) => inFiles(secret(n, 'key'))));
    await store.log.erase(LOG, erased);
    for (const n of erased) {
      for (const what of ['patient', 'user', 'key', 'cipher']) {
        assert.ok(!inFiles(secret(n, what)), `${what} ${n}`);
      }
    }
    assert.ok(inFiles(secret(1, 'key')) && inFiles(secret(1, 'patient')));
    await assertWhole(store.log, 600);
    await store.close();
  });
});

function saidByKilled(script: string): string {
  try {
    execFileSync(process.execPath, ['--input-type=module-typescript', '-e', script], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  } catch (error) {
    return (error as { stdout: Buffer }).stdout.toString();
  }
  throw new Error('was not killed');
}
