import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Client } from 'pg';

import { StartError } from '../../src/errors.ts';
import type { Store } from '../../src/store/contracts.ts';
import { openPostgresStore } from '../../src/store/postgres/store.ts';
import { PostgresServer, sharedPostgres } from '../support/postgres.ts';
import { digest } from './care-location-contract.ts';
import { storeContract } from './contract.ts';
import { allEntries, assertWhole, entry, item, LOG, run, sealedAs, spending } from './entries.ts';

storeContract('PostgreSQL', async () => {
  const url = await (await sharedPostgres()).newDatabase();
  return { store: await openPostgresStore(url), again: () => openPostgresStore(url) };
});

const OTHER = 'broker.example/log-2';

describe('the PostgreSQL store', () => {
  let server: PostgresServer;
  let url: string;
  /** A connection of the test's own to the store's database. */
  let admin: Client;
  const open: Store[] = [];
  const opened = async (now?: () => number): Promise<Store> => {
    const store = await openPostgresStore(url, now);
    open.push(store);
    return store;
  };
  before(async () => (server = await sharedPostgres()));
  beforeEach(async () => {
    url = await server.newDatabase();
    admin = new Client(url);
    await admin.connect();
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((store) => store.close()));
    await admin.end();
  });

  const database = (): string => /[^/]*(?=\?)/.exec(url)?.[0] ?? assert.fail();

  /** Ends the store's connections, and lets it see that @returns how many there were */
  const terminate = async (): Promise<number> => {
    const { rowCount } = await admin.query(
      `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
        WHERE application_name = 'wayleave' AND datname = current_database()`,
    );
    await pause(10);
    return rowCount ?? 0;
  };

  const waitFor = async (what: string): Promise<void> => {
    for (let tries = 0; tries < 400; tries += 1) {
      const { rowCount } = await admin.query(
        `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND ${what}`,
      );
      if (rowCount !== 0) return;
      await pause(5);
    }
    assert.fail(`never seen: ${what}`);
  };

  it('tells the server what an import has put into the index of care locations', async () => {
    const { careLocations } = await opened();
    await admin.query('ALTER TABLE care_sighting SET (autovacuum_enabled = off)');
    await careLocations.record(
      Array.from({ length: 300 }, (_, nth) => ({
        ...{ patient: digest(`p${nth % 100}`), organisation: `R${nth % 3}${nth % 7}`, source: 'file' },
        ...{ firstSeen: 0, lastSeen: 0 },
      })),
    );
    const known = async () => {
      const { rows } = await admin.query<{ attname: string }>(
        "SELECT attname FROM pg_stats WHERE tablename = 'care_sighting' AND attname = 'patient'",
      );
      return rows.length;
    };
    assert.equal(await known(), 0);
    await careLocations.settle();
    assert.equal(await known(), 1);
  });

  it('takes over a store from before sealed values were kept in their rows', async () => {
    const sealed = { ...sealedAs('a'), ciphertext: randomBytes(6_000) };
    const before = await openPostgresStore(url);
    // As the table was made first.
    await admin.query("DELETE FROM kysely_migration WHERE name >= '008'");
    await admin.query('DROP TABLE decision, whole_file, register, register_state, known_region');
    await admin.query('DROP TABLE notice_inbox, notice_queue, leaver_cursor, told_restriction, told_count');
    await admin.query('DROP TABLE directory_version, directory_import, directory_generation');
    await admin.query('ALTER TABLE log_sealed ALTER COLUMN ciphertext SET STORAGE EXTENDED');
    await admin.query('ALTER TABLE log_sealed RESET (toast_tuple_target)');
    await before.log.append(LOG, [item(...run(300, 0, { sealed }))]);
    await before.close();
    const apart = async (): Promise<number> => {
      const size = "pg_relation_size((SELECT reltoastrelid FROM pg_class WHERE relname = 'log_sealed'))::int";
      const { rows } = await admin.query<{ size: number }>(`SELECT ${size} AS size`);
      return rows[0]?.size ?? assert.fail();
    };
    const pieces = await apart();
    assert.ok(pieces > 300 * 6_000);
    const after = await opened();
    await after.log.append(LOG, [item(...run(300, 300, { sealed }))]);
    assert.equal(await apart(), pieces);
    await assertWhole(after.log, 600);
    for (const one of await allEntries(after.log)) {
      assert.deepEqual(Buffer.from(one.sealed?.ciphertext ?? []), sealed.ciphertext);
    }
  });

  it('is made once by several replicas that start at the same moment', async () => {
    const stores = await Promise.all(Array.from({ length: 6 }, () => opened()));
    await Promise.all(stores.map((store, n) => store.log.append(`log-${n}`, [item(...run(5))])));
    for (const n of stores.keys()) await assertWhole(stores[0]?.log ?? assert.fail(), 5, `log-${n}`);
  });

  it('gives each replica a log of its own, and lets one of them spend a message', async () => {
    const [one, other] = [await opened(), await opened()];
    const counts = [0, 0];
    for (let round = 0; round < 30; round += 1) {
      const items = Array.from({ length: 40 }, (_, n) => spending(`jti-${round}-${n}`, entry(`${n}`)));
      // In opposite orders, at the same moment: each holds what the other wants.
      const appended = await Promise.all([
        one.log.append(LOG, items),
        other.log.append(OTHER, items.toReversed()),
      ]);
      appended.forEach((results, nth) => {
        counts[nth] = (counts[nth] ?? 0) + results.filter(({ fresh }) => fresh).length;
      });
    }
    const [first = 0, second = 0] = counts;
    assert.equal(first + second, 1_200);
    await assertWhole(other.log, first, LOG);
    await assertWhole(one.log, second, OTHER);
    assert.equal(await one.replay.spend('https://broker.example', 'jti-3-3', Date.now() + 1_000), false);
    const found = await one.log.search({ from: 0, to: 9e12, exchange: '7', limit: 1_000 });
    assert.equal(found.length, 30);
  });

  it('lets a log grow at one place, though two processes append to it', async () => {
    const [one, other] = [await opened(), await opened()];
    const batches = Array.from({ length: 40 }, (_, n) => item(...run(1 + (n % 13), n * 100)));
    const appended = await Promise.all(
      batches.map((batch, n) => (n % 2 === 0 ? one : other).log.append(LOG, [batch])),
    );
    const firsts = appended.map(([first]) => first?.sequence);
    assert.equal(new Set(firsts).size, 40);
    await assertWhole(
      one.log,
      batches.reduce((sum, { entries }) => sum + entries.length, 0),
    );
  });

  it('never uses the edge of an append whose end it was not told, where another process appended', async () => {
    const [one, other] = [await opened(), await opened()];
    await one.log.append(LOG, [item(...run(250))]);
    for (const count of [1, 6, 257]) {
      const { size } = await one.log.head(LOG);
      const mine = one.log.append(LOG, [item(...run(count, 5_000))]).catch(() => undefined);
      await terminate();
      await mine;
      const missing = size + count - (await one.log.head(LOG)).size;
      await other.log.append(LOG, [item(...run(missing, 9_000), entry('other'))]);
      await one.log.append(LOG, [item(entry('next'))]);
      await assertWhole(one.log, size + count + 2);
    }
  });

  it('erases a key that a pruning is moving at that moment', async () => {
    const store = await opened();
    const entries = run(256).map((one, nth) => ({ ...one, sealed: sealedAs(`${nth}`) }));
    await store.log.append(LOG, [item(...entries)]);
    const segment = { log: LOG, from: 0, to: 256, file: 'f', sha256: 's', oldest: 0, newest: 1 };
    await store.archive.register({ ...segment, archivedAt: 1 });
    await store.archive.beginPrune(LOG, 0, 1);
    // A key of the same entry, not committed: the pruning has deleted what is sealed, and waits to write its own.
    const holder = new Client(url);
    await holder.connect();
    await holder.query('BEGIN');
    await holder.query("INSERT INTO log_key VALUES ($1, 5, 'x', '')", [LOG]);
    const waiting = "application_name = 'wayleave' AND wait_event_type = 'Lock'";
    const pruning = store.archive.prune(LOG, 256);
    await waitFor(waiting);
    const erasing = store.log.erase(LOG, [5]);
    await waitFor(`${waiting} AND query LIKE '%UPDATE log_entry%'`);
    await holder.query('ROLLBACK');
    await Promise.all([pruning, erasing, holder.end()]);
    const keys = await store.archive.keys(LOG, 0, 256);
    assert.deepEqual([keys.length, keys.some(({ sequence }) => sequence === 5)], [255, false]);
  });

  it('keeps nothing of an append whose connection ends before its commit', async () => {
    const store = await opened();
    await store.log.append(LOG, [item(...run(250))]);
    await admin.query('BEGIN');
    await admin.query('SELECT FROM log FOR UPDATE');
    // What is spent is written, and the log's row waited for.
    const write = assert.rejects(store.log.append(LOG, [spending('jti', ...run(20))]), {
      code: 'audit-unavailable',
    });
    await waitFor("application_name = 'wayleave' AND wait_event_type = 'Lock'");
    assert.ok((await terminate()) > 0);
    await write;
    await admin.query('COMMIT');
    assert.equal((await store.log.append(LOG, [spending('jti', ...run(10))]))[0]?.fresh, true);
    await assertWhole(store.log, 260);
  });

  it('keeps all or nothing of an append whose connection ends at any moment, and what it told', async () => {
    const store = await opened();
    let told = 0;
    for (let round = 0; round < 60; round += 1) {
      const write = store.log.append(LOG, [spending(`jti-${round}`, entry(`${round}`), entry(`${round}`))]);
      const ended = write.then(
        () => (told += 1),
        (error: unknown) => assert.equal((error as { code: string }).code, 'audit-unavailable'),
      );
      for (let turns = 0; turns < round % 20; turns += 1) await new Promise((next) => setImmediate(next));
      await Promise.all([terminate(), ended]);
    }
    const kept = (await allEntries(store.log)).length / 2;
    assert.ok(kept >= told && kept <= 60, `${kept} kept, ${told} told`);
    assert.ok(told < 60, 'no connection ended in time');
    await store.log.append(
      LOG,
      Array.from({ length: 60 }, (_, n) => spending(`jti-${n}`, entry(`${n}`), entry(`${n}`))),
    );
    await assertWhole(store.log, 120);
  });

  it('works again by itself when the server is back', async () => {
    const own = await PostgresServer.start();
    const store = await openPostgresStore(await own.newDatabase());
    await store.log.append(LOG, [spending('before', ...run(257))]);
    const underWay = Array.from({ length: 20 }, (_, n) =>
      store.log.append(LOG, [item(entry(`during-${n}`))]),
    );
    const [during] = await Promise.all([Promise.allSettled(underWay), own.stop('keep')]);
    await assert.rejects(store.log.append(LOG, [item(entry('no'))]), { code: 'audit-unavailable' });
    await assert.rejects(store.replay.spend('i', 'j', 9e15), { code: 'store-unavailable' });
    await assert.rejects(store.log.search({ from: 0, to: 9e12, limit: 1 }), { code: 'store-unavailable' });
    assert.equal(await store.healthy(), false);
    await own.start();
    assert.equal(await store.healthy(), true);
    assert.equal((await store.log.append(LOG, [spending('before', entry('no'))]))[0]?.fresh, false);
    await store.log.append(LOG, [item(entry('after'))]);
    const { size } = await store.log.head(LOG);
    assert.ok(size >= 258 + during.filter(({ status }) => status === 'fulfilled').length);
    await assertWhole(store.log, size);
    await store.close();
    await own.stop();
  });

  it('refuses a server that does not flush, and one that is not there, without telling the password', async () => {
    const refusal = async (address: string): Promise<string> => {
      const error: unknown = await openPostgresStore(address).then(
        (store) => store.close(),
        (reason: unknown) => reason,
      );
      assert.ok(error instanceof StartError);
      const whole = JSON.stringify([error.message, String(error.cause), error.stack]);
      assert.ok(!whole.includes('s3cret'), whole);
      return error.message;
    };
    await server.query(`ALTER DATABASE ${database()} SET synchronous_commit = off`);
    assert.match(await refusal(url), /synchronous_commit/);
    await server.query(`ALTER DATABASE ${database()} RESET synchronous_commit`);
    assert.match(await refusal('postgres://wayleave:s3cret@127.0.0.1:1/wayleave'), /^store: /);
    assert.match(await refusal('postgres://wayleave:s3cret@[/wayleave'), /^store: /);
    assert.match(await refusal('postgres://u:s3cret@127.0.0.1/w?sslmode=no-verify'), /verify-full/);
    const latin = await server.newDatabase(
      "TEMPLATE template0 ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C'",
    );
    assert.match(await refusal(latin), /UTF8/);
    const own = await PostgresServer.start();
    const unflushed = await own.newDatabase();
    await own.stop('keep');
    await own.start(['fsync=off']);
    assert.match(await refusal(unflushed), /fsync/);
    await own.stop();
  });

  it('does not go on with a server that stopped flushing while the broker ran', async () => {
    const store = await opened();
    await store.log.append(LOG, [item(entry('a'))]);
    await server.query(`ALTER DATABASE ${database()} SET synchronous_commit = off`);
    assert.ok((await terminate()) > 0);
    await assert.rejects(store.log.append(LOG, [item(entry('no'))]), { code: 'audit-unavailable' });
    await server.query(`ALTER DATABASE ${database()} RESET synchronous_commit`);
    await store.log.append(LOG, [item(entry('b'))]);
    await assertWhole(store.log, 2);
  });

  it('leaves the parsers of other users of pg alone', async () => {
    await opened();
    assert.deepEqual(await server.query('SELECT 1::bigint AS big'), [{ big: '1' }]);
  });

  it('forgets in time what need not be kept', async () => {
    let now = 1_000_000;
    const store = await opened(() => now);
    const spendMany = async (count: number, keepUntil: number): Promise<void> => {
      for (let n = 0; n < count; n += 50) {
        const items = Array.from({ length: 50 }, (_, k) => ({
          entries: [],
          spend: { issuer: 'i', jti: `${now}-${n + k}`, keepUntil },
        }));
        await store.log.append(LOG, items);
      }
    };
    await spendMany(500, now + 10);
    now += 60_000;
    await spendMany(500, now + 10);
    const { rows } = await admin.query<{ left: string }>('SELECT count(*) AS left FROM spent');
    assert.deepEqual(rows, [{ left: '500' }]);
  });
});
