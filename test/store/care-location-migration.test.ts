import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Client } from 'pg';

import { openPostgresStore } from '../../src/store/postgres/store.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import type { Store } from '../../src/store/contracts.ts';
import { sharedPostgres } from '../support/postgres.ts';
import { digest } from './care-location-contract.ts';

const DAY = 86_400_000;

/** Makes a store what it was before the index: as the first migration made the table, and more rows than one step takes. */
function former(text: string, bigint: string): string[] {
  const values = Array.from({ length: 1_203 }, (_, n) => {
    const [first, last] = [n * DAY + 5, (n + 2) * DAY + 7];
    return `('${digest(`p${n % 400}`)}', 'R${n % 7}', '${n % 2 === 0 ? 'demo' : 'feed'}', ${first}, ${last})`;
  });
  return [
    "DELETE FROM kysely_migration WHERE name >= '013'",
    ...[
      'known_region',
      'notice_inbox',
      'notice_queue',
      'leaver_cursor',
      'told_restriction',
      'told_count',
    ].map((later) => `DROP TABLE ${later}`),
    'DROP TABLE care_sighting',
    'DROP TABLE care_place',
    `CREATE TABLE care_location (patient ${text} NOT NULL, organisation ${text} NOT NULL, source ${text} NOT NULL,
      first_seen ${bigint} NOT NULL, last_seen ${bigint} NOT NULL, PRIMARY KEY (patient, organisation, source))`,
    `INSERT INTO care_location VALUES ('no digest', 'RJ6', 'demo', 1, 2), ${values.join(', ')}`,
  ];
}

async function assertCarriedOver(store: Store): Promise<void> {
  const { patients, places } = await store.careLocations.tally('', 100_000);
  assert.equal(patients, 400);
  assert.equal(
    places.reduce((sum, { rows }) => sum + rows, 0),
    1_203,
  );
  assert.equal(places.length, 14);
  const patient = digest('p2');
  const of = (n: number) => ({
    ...{ patient, organisation: `R${n % 7}`, source: n % 2 === 0 ? 'demo' : 'feed' },
    ...{ firstSeen: n * DAY, lastSeen: (n + 2) * DAY },
  });
  assert.deepEqual(await store.careLocations.of([patient]), [of(1_202), of(802), of(402), of(2)]);
}

describe('care locations of before the index', () => {
  it('are carried over in SQLite', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'wayleave-'));
    const file = join(directory, 'store.db');
    await (await openSqliteStore(file)).close();
    const database = new DatabaseSync(file);
    for (const statement of former('text', 'bigint')) database.exec(statement);
    database.close();
    const store = await openSqliteStore(file);
    await assertCarriedOver(store);
    await store.close();
    rmSync(directory, { recursive: true });
  });

  it('are carried over in PostgreSQL', async () => {
    const url = await (await sharedPostgres()).newDatabase();
    await (await openPostgresStore(url)).close();
    const client = new Client(url);
    await client.connect();
    for (const statement of former('text COLLATE "C"', 'bigint')) await client.query(statement);
    await client.end();
    const store = await openPostgresStore(url);
    await assertCarriedOver(store);
    await store.close();
  });
});
