import assert from 'node:assert/strict';
import { Client } from 'pg';

import { openPostgresStore } from '../../src/store/postgres/store.ts';
import { sharedPostgres } from '../support/postgres.ts';
import { item, LOG, run, sealedAs } from './entries.ts';

describe('the wrapped keys in a PostgreSQL store', () => {
  let url: string;
  /** Another who writes. */
  let admin: Client;
  before(async () => {
    url = await (await sharedPostgres()).newDatabase();
    admin = new Client(url);
    await admin.connect();
  });
  after(() => admin.end());

  it('are replaced without waiting for one that another holds, and none comes back that is erased meanwhile', async () => {
    const store = await openPostgresStore(url);
    const entries = run(10).map((one, nth) => ({ ...one, sealed: sealedAs(`${nth}`) }));
    await store.log.append(LOG, [item(...entries)]);
    const changes = entries.map((_, sequence) => ({
      ...{ sequence, former: 'key-1', wrappedBy: 'key-2', wrappedKey: Buffer.from('anew') },
    }));
    await admin.query('BEGIN');
    await admin.query('DELETE FROM log_sealed WHERE log = $1 AND sequence = 4', [LOG]);
    const others = [0, 1, 2, 3, 5, 6, 7, 8, 9];
    assert.deepEqual(await store.keys.rewrap(LOG, changes), others);
    await admin.query('COMMIT');
    assert.deepEqual(await store.keys.rewrap(LOG, changes), []);
    const keys = await store.keys.page(LOG, 0, 500);
    assert.deepEqual(
      keys.map(({ sequence, wrappedBy }) => [sequence, wrappedBy]),
      others.map((sequence) => [sequence, 'key-2']),
    );
    await store.close();
  });
});
