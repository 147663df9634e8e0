import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';

import { Checkpoints } from '../../src/audit/witnessing/checkpoints.ts';
import type { Entry } from '../../src/audit/entry.ts';
import { AuditLog } from '../../src/audit/log.ts';
import { Keyring } from '../../src/audit/sealing.ts';
import {
  NoSuchCheckpoint,
  verifyLog,
  type LogVerdict,
  type VerifyLogOptions,
} from '../../src/audit/whole-log/verify-log.ts';
import type { Store } from '../../src/store/contracts.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { signCheckpoint } from '../../src/tlog/checkpoint.ts';
import { SIGNATURE_TYPE, verifierKey } from '../../src/tlog/note-keys.ts';

const ORIGIN = 'broker.example/log/1';
/** Two full tiles, one that is not, and one above them. */
const SIZE = 700;
const CHECKPOINTS = [1, 300, 512, 650];
const KEYS: readonly Buffer[] = [randomBytes(32)];
const pair = generateKeyPairSync('ed25519');

const digest = (value: string): string => `digest of ${value}`;
const logIn = (store: Store): AuditLog =>
  new AuditLog({ store: store.log, origin: ORIGIN, keyring: new Keyring(KEYS), digest, now: Date.now });
const checkpointsIn = (store: Store, key: KeyObject = pair.privateKey): Checkpoints =>
  new Checkpoints({ log: store.log, checkpoints: store.checkpoints, origin: ORIGIN, key, now: Date.now });
const entry = (nth: number, said = ''): Entry => ({
  event: 'query-answered',
  exchange: `exchange-${nth}${said}`,
  facts: { region: 'london', jti: `jti-${nth}`, outcome: 'answered' },
  ...(nth % 3 === 0
    ? {}
    : { nhsNumber: '9990000018', user: 'https://sds.example|1', sealed: { query: 'a.b.c' } }),
});

describe('verifying a log', () => {
  let directory: string;
  let whole: string;
  let copies = 0;

  /** A log of entries, with checkpoints on the way. */
  const writeLog = async (file: string, said = ''): Promise<void> => {
    const store = await openSqliteStore(file);
    const log = logIn(store);
    for (let nth = 0; nth < SIZE;) {
      const until = CHECKPOINTS.find((size) => size > nth) ?? SIZE;
      await log.append(Array.from({ length: until - nth }, (_, at) => entry(nth + at, said)));
      nth = until;
      if (CHECKPOINTS.includes(nth)) await checkpointsIn(store).sign();
    }
    await store.close();
  };
  const verify = async (file: string, options: VerifyLogOptions = {}): Promise<LogVerdict> => {
    const store = await openSqliteStore(file);
    try {
      const keys = [verifierKey(ORIGIN, SIGNATURE_TYPE.ed25519, pair.publicKey)];
      const settings = { log: logIn(store), store: store.log, checkpoints: store.checkpoints, keys, digest };
      return await verifyLog(settings, options);
    } finally {
      await store.close();
    }
  };
  /** A copy of the whole log, written to behind the store's back. */
  const tampered = (change: (database: DatabaseSync) => void): string => {
    const file = join(directory, `copy-${(copies += 1)}.db`);
    copyFileSync(whole, file);
    const database = new DatabaseSync(file);
    change(database);
    database.close();
    return file;
  };
  const run =
    (text: string, ...values: SQLInputValue[]) =>
    (database: DatabaseSync) => {
      const { changes } = database.prepare(text).run(...values);
      assert.ok(changes > 0, 'nothing was changed');
    };
  /** Flips one bit of a column of one row. */
  const flip = (column: string, table: string, where: string, at: number) => (database: DatabaseSync) => {
    const row = database.prepare(`SELECT ${column} AS bytes FROM ${table} WHERE ${where}`).get();
    const bytes = Buffer.from(row?.['bytes'] as Uint8Array);
    const place = at < 0 ? bytes.length + at : at;
    bytes[place] = (bytes[place] ?? 0) ^ 1;
    run(`UPDATE ${table} SET ${column} = ? WHERE ${where}`, bytes)(database);
  };
  const swap = (one: number, other: number) => (database: DatabaseSync) => {
    const move = (from: number, to: number): void =>
      run('UPDATE log_entry SET sequence = ? WHERE sequence = ?', to, from)(database);
    move(one, -1);
    move(other, one);
    move(-1, other);
  };
  const note = (size: number, change: (text: string) => string) => (database: DatabaseSync) => {
    const row = database.prepare('SELECT note FROM checkpoint WHERE size = ?').get(size);
    run('UPDATE checkpoint SET note = ? WHERE size = ?', change(String(row?.['note'])), size)(database);
  };

  before(async () => {
    mkdirSync(resolve('var/test'), { recursive: true });
    directory = mkdtempSync(resolve('var/test/verify-log-'));
    whole = join(directory, 'whole.db');
    await writeLog(whole);
    const database = new DatabaseSync(whole);
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    database.close();
  });
  after(() => rmSync(directory, { recursive: true, force: true }));

  it('holds a log that nobody touched', async () => {
    const verdict = await verify(whole, { sealed: true });
    assert.equal(verdict.fault, undefined);
    const { verified, checkpoints, checkpointed, opened, erased } = verdict;
    assert.deepEqual(
      { verified, checkpoints, checkpointed },
      { verified: SIZE, checkpoints: 4, checkpointed: 650 },
    );
    assert.deepEqual([opened, erased], [466, 0]);
  });

  const FAULTS: [string, (database: DatabaseSync) => void, string, number][] = [
    ['a bit of a leaf', flip('leaf', 'log_entry', 'sequence = 37', 60), 'leaf', 37],
    ['the last bit of a leaf', flip('leaf', 'log_entry', 'sequence = 255', -1), 'leaf', 255],
    ["a leaf's number", flip('leaf', 'log_entry', 'sequence = 37', 7), 'out-of-place', 37],
    ['a bit of a leaf in the last tile', flip('leaf', 'log_entry', 'sequence = 690', 60), 'leaf', 690],
    ['a bit of the last leaf', flip('leaf', 'log_entry', 'sequence = 699', 60), 'leaf', 699],
    ['a bit of a leaf hash', flip('leaf_hash', 'log_entry', 'sequence = 38', 5), 'leaf-hash', 38],
    [
      'a bit of a leaf hash in the last tile',
      flip('leaf_hash', 'log_entry', 'sequence = 600', 5),
      'leaf',
      600,
    ],
    [
      "a bit of the hash of a tile's last leaf",
      flip('leaf_hash', 'log_entry', 'sequence = 255', 31),
      'leaf-hash',
      255,
    ],
    ['a hash cut short', run("UPDATE log_entry SET leaf_hash = x'' WHERE sequence = 511"), 'leaf-hash', 511],
    ['a bit of a tile', flip('hashes', 'log_tile', 'level = 0 AND tile = 1', 32 * 44), 'tile', 300],
    ['a bit of a tile above', flip('hashes', 'log_tile', 'level = 1 AND tile = 0', 33), 'tile', 256],
    ['a tile above gone', run('DELETE FROM log_tile WHERE level = 1'), 'tile', 0],
    ['a tile cut short', run("UPDATE log_tile SET hashes = x'' WHERE level = 0 AND tile = 0"), 'tile', 0],
    ['an entry removed', run('DELETE FROM log_entry WHERE sequence = 41'), 'missing', 41],
    ['the first entry removed', run('DELETE FROM log_entry WHERE sequence = 0'), 'missing', 0],
    ['the tail cut off', run('DELETE FROM log_entry WHERE sequence >= 680'), 'missing', 680],
    ['two entries swapped', swap(42, 43), 'out-of-place', 42],
    [
      'an entry in the place of the next',
      run('UPDATE log_entry SET leaf = (SELECT leaf FROM log_entry WHERE sequence = 44) WHERE sequence = 45'),
      'out-of-place',
      45,
    ],
    ['an entry repeated at the end', (database) => repeatAtEnd(database, SIZE), 'beyond-head', SIZE],
    [
      'the root in a checkpoint',
      note(300, (text) => text.replace(/\n[^\n]{6}/, '\nAAAAAA')),
      'checkpoint',
      299,
    ],
    [
      'a signature of a checkpoint',
      note(512, (text) => text.replace(/.{9}\n$/, 'AAAAAAAA=\n')),
      'checkpoint',
      511,
    ],
    [
      'a checkpoint under another size',
      run('UPDATE checkpoint SET size = 301 WHERE size = 300'),
      'checkpoint',
      300,
    ],
    ['a bit of the head', flip('frontier', 'log', "log = 'broker.example/log/1'", 9), 'head', 699],
    ['the size in the head', flip('frontier', 'log', "log = 'broker.example/log/1'", 7), 'head', 0],
  ];
  for (const [name, change, kind, sequence] of FAULTS) {
    it(`finds ${name}, and says where`, async () => {
      const { fault } = await verify(tampered(change));
      assert.deepEqual([fault?.kind, fault?.sequence], [kind, sequence], fault?.says);
    });
  }

  it('finds any one bit of any leaf', async () => {
    for (let sequence = 3; sequence < SIZE; sequence += 31) {
      const { fault } = await verify(
        tampered(flip('leaf', 'log_entry', `sequence = ${sequence}`, sequence % 90)),
      );
      assert.equal(fault?.sequence, sequence, fault?.says);
    }
  });

  it('finds a past that was rewritten with all its hashes, tiles and head', async () => {
    const other = join(directory, 'rewritten.db');
    await writeLog(other, ', rewritten');
    const database = new DatabaseSync(other);
    database.exec(
      `ATTACH '${whole}' AS old; DELETE FROM checkpoint; INSERT INTO checkpoint SELECT * FROM old.checkpoint`,
    );
    database.close();
    const { fault } = await verify(other);
    assert.deepEqual([fault?.kind, fault?.sequence], ['checkpoint', 0]);
  });

  it('finds a log that was cut back to an earlier state, where a checkpoint covers more', async () => {
    const file = join(directory, 'cut.db');
    const store = await openSqliteStore(file);
    await logIn(store).append(Array.from({ length: 100 }, (_, nth) => entry(nth)));
    const signed = await checkpointsIn(store).sign();
    await store.close();
    assert.equal((await verify(file)).fault, undefined);
    const cut = join(directory, 'cut-back.db');
    const shorter = await openSqliteStore(cut);
    await logIn(shorter).append(Array.from({ length: 60 }, (_, nth) => entry(nth)));
    await shorter.checkpoints.save(ORIGIN, signed);
    await shorter.close();
    const { fault } = await verify(cut);
    assert.deepEqual([fault?.kind, fault?.sequence], ['missing', 60]);
  });

  it("takes no checkpoint that another key signed, nor another log's", async () => {
    const stranger = generateKeyPairSync('ed25519').privateKey;
    const head = { origin: ORIGIN, size: 700, root: randomBytes(32) };
    for (const text of [
      signCheckpoint(head, stranger),
      signCheckpoint({ ...head, origin: 'other.example/log/1' }, pair.privateKey),
    ]) {
      const file = tampered(
        run('INSERT INTO checkpoint (log, size, at, note) VALUES (?, 700, 0, ?)', ORIGIN, text),
      );
      const { fault } = await verify(file);
      assert.deepEqual([fault?.kind, fault?.sequence], ['checkpoint', 699]);
    }
  });

  describe('with what is sealed', () => {
    const WRONG: [string, (database: DatabaseSync) => void, string, number][] = [
      ['a bit of what is sealed', flip('ciphertext', 'log_sealed', 'sequence = 50', 40), 'sealed', 50],
      ['a bit of a wrapped key', flip('wrapped_key', 'log_sealed', 'sequence = 50', 40), 'sealed', 50],
      [
        'what is sealed of another entry',
        run(
          'UPDATE log_sealed SET ciphertext = (SELECT ciphertext FROM log_sealed WHERE sequence = 53) WHERE sequence = 52',
        ),
        'sealed',
        52,
      ],
      [
        'an entry hidden from searches',
        run('UPDATE log_entry SET patient = NULL WHERE sequence = 55'),
        'index',
        55,
      ],
      [
        'an entry filed under another region',
        run("UPDATE log_entry SET region = 'x' WHERE sequence = 57"),
        'index',
        57,
      ],
    ];
    for (const [name, change, kind, sequence] of WRONG) {
      it(`finds ${name}, when it is asked to`, async () => {
        const file = tampered(change);
        const { fault } = await verify(file, { sealed: true });
        assert.deepEqual([fault?.kind, fault?.sequence], [kind, sequence]);
        assert.equal((await verify(file)).fault, undefined);
      });
    }

    it('counts what was erased, and finds nothing wrong', async () => {
      const file = tampered(() => undefined);
      const store = await openSqliteStore(file);
      await store.log.erase(ORIGIN, [4, 5]);
      await store.close();
      const { fault, opened, erased } = await verify(file, { sealed: true });
      assert.deepEqual([fault, opened, erased], [undefined, 464, 2]);
    });
  });

  describe('from a checkpoint on', () => {
    for (const from of CHECKPOINTS) {
      it(`of ${from} entries holds the rest, and finds what is wrong there alone`, async () => {
        const { fault, verified, checkpointed } = await verify(whole, { from });
        assert.deepEqual([fault, verified, checkpointed], [undefined, SIZE - from, 650]);
        const after = await verify(tampered(flip('leaf', 'log_entry', `sequence = ${from + 7}`, 60)), {
          from,
        });
        assert.equal(after.fault?.sequence, from + 7);
        const before = await verify(tampered(flip('leaf', 'log_entry', 'sequence = 0', 60)), { from });
        assert.equal(before.fault, undefined);
      });
    }

    it('does not begin on tiles that do not lead to its root', async () => {
      const { fault } = await verify(tampered(flip('hashes', 'log_tile', 'level = 1 AND tile = 0', 3)), {
        from: 512,
      });
      assert.deepEqual([fault?.kind, fault?.sequence], ['tile', 511]);
    });

    it('does not begin where there is none', async () => {
      await assert.rejects(verify(whole, { from: 301 }), NoSuchCheckpoint);
      await assert.rejects(verify(whole, { from: 100_000 }), NoSuchCheckpoint);
    });
  });

  it('holds a log that is being written to', async () => {
    const file = tampered(() => undefined);
    const store = await openSqliteStore(file);
    const log = logIn(store);
    let stopped = false;
    const writing = (async () => {
      for (let nth = SIZE; !stopped && nth < 20_000; nth += 20) {
        await log.append(Array.from({ length: 20 }, (_, at) => entry(nth + at)));
        if (nth % 100 === 0) await checkpointsIn(store).sign();
      }
    })();
    for (let round = 0; round < 10; round += 1) {
      const { fault, verified } = await verify(file, { sealed: round % 2 === 0 });
      assert.equal(fault, undefined);
      assert.ok(verified >= SIZE);
    }
    stopped = true;
    await writing;
    await store.close();
  });

  it('tells how far it is, and from where another run can go on', async () => {
    const told: number[][] = [];
    await verify(whole, {
      onProgress: ({ done, size, checkpointed }) => told.push([done, size, checkpointed]),
    });
    assert.deepEqual(told.at(-1), [SIZE, SIZE, 650]);
  });
});

function repeatAtEnd(database: DatabaseSync, at: number): void {
  const columns =
    'at, event, exchange, region, jti, patient, "user", organisation, outcome, break_glass, leaf, leaf_hash';
  database.exec(
    `INSERT INTO log_entry (log, sequence, ${columns}) SELECT log, ${at}, ${columns} FROM log_entry WHERE sequence = ${at - 1}`,
  );
}
