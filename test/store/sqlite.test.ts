import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { StartError } from '../../src/errors.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { storeContract } from './contract.ts';

const STORE = resolve(import.meta.dirname, '../../src/store/sqlite/store.ts');
const directory = mkdtempSync(join(tmpdir(), 'wayleave-store-'));
let made = 0;
after(() => rmSync(directory, { recursive: true, force: true }));

storeContract('SQLite', async () => {
  const file = join(directory, `store-${(made += 1)}.db`);
  return { store: await openSqliteStore(file), again: () => openSqliteStore(file) };
});

describe('the SQLite store', () => {
  it('is readable by its owner alone', async () => {
    const file = join(directory, 'mode.db');
    await (await openSqliteStore(file)).close();
    assert.equal(statSync(file).mode & 0o077, 0);
  });

  it('says in a sentence that a file is no store', async () => {
    const file = join(directory, 'text.db');
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

  it('keeps what a killed process was told is written', async () => {
    const file = join(directory, 'killed.db');
    const script = `
      import { openSqliteStore } from '${STORE}';
      const store = await openSqliteStore('${file}');
      await store.audit.append([{ at: 1, event: 'query-sent', exchange: 'told' }]);
      process.kill(process.pid, 'SIGKILL');
    `;
    assert.throws(() =>
      execFileSync(process.execPath, ['--input-type=module-typescript', '-e', script], { stdio: 'ignore' }),
    );
    const store = await openSqliteStore(file);
    assert.equal((await store.audit.page(0, 10))[0]?.exchange, 'told');
    await store.close();
  });

  it('fails every write of a group when another writer holds the store, and goes on afterwards', async () => {
    const file = join(directory, 'held.db');
    const store = await openSqliteStore(file);
    const other = new DatabaseSync(file);
    other.exec('BEGIN IMMEDIATE');
    const writes = [1, 2, 3].map((at) => store.audit.append([{ at, event: 'query-sent', exchange: 'no' }]));
    const results = await Promise.allSettled(writes);
    assert.deepEqual(new Set(results.map(({ status }) => status)), new Set(['rejected']));
    other.exec('ROLLBACK');
    other.close();
    await store.audit.append([{ at: 4, event: 'query-sent', exchange: 'after' }]);
    assert.deepEqual(
      (await store.audit.page(0, 10)).map(({ exchange }) => exchange),
      ['after'],
    );
    await store.close();
  });

  it('rejects what a full disk does not take, keeps none of it, and what was told stays', async () => {
    const file = join(directory, 'full.db');
    const script = `
      import { openSqliteStore } from '${STORE}';
      const store = await openSqliteStore('${file}');
      await store.audit.append([{ at: 1, event: 'query-sent', exchange: 'told' }]);
      const big = 'x'.repeat(2_000_000);
      const group = ['no-1', big].map((exchange) => store.audit.append([{ at: 2, event: 'query-sent', exchange }]));
      const results = await Promise.allSettled(group);
      console.log(results.map((result) => result.reason?.code ?? result.status).join(' '));
    `;
    // A limit on the size of files is to a program what a full disk is: the write comes back with an error.
    const limited = [
      '-c',
      'ulimit -f 1000; exec "$0" --input-type=module-typescript -e "$1"',
      process.execPath,
      script,
    ];
    const said = execFileSync('bash', limited, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    assert.equal(said.trim(), 'audit-unavailable audit-unavailable');
    const store = await openSqliteStore(file);
    assert.deepEqual(
      (await store.audit.page(0, 10)).map(({ exchange }) => exchange),
      ['told'],
    );
    await store.close();
  });
});
