import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { Checkpointer } from '../../src/store/sqlite/checkpointer.ts';
import { CommitQueue } from '../../src/store/sqlite/commit-queue.ts';
import { openDatabase, openWriter } from '../../src/store/sqlite/connection.ts';

const PAGE = 4_096;

describe('copying the write-ahead log', () => {
  const directory = mkdtempSync(join(tmpdir(), 'wayleave-checkpoint-'));
  let made = 0;
  after(() => rmSync(directory, { recursive: true, force: true }));

  /** @param copied what the thread opens, where that is another file */
  function queueIn(limits: { due: number; most: number }, copied?: string) {
    const file = join(directory, `store-${(made += 1)}.db`);
    const database = openWriter(file);
    database.exec('CREATE TABLE kept (n INTEGER PRIMARY KEY, bytes BLOB)');
    const checkpointer = new Checkpointer(copied ?? file, database, limits);
    const queue = new CommitQueue(
      database,
      () => Promise.resolve(),
      () => checkpointer.afterCommit(),
    );
    const insert = database.prepare('INSERT INTO kept (bytes) VALUES (randomblob(20000))');
    const write = () => queue.commit(() => insert.run());
    const frames = () => Math.floor(statSync(`${file}-wal`).size / PAGE);
    const close = async (): Promise<void> => {
      await queue.close();
      await checkpointer.close();
      database.close();
    };
    const rows = (): unknown => {
      const other = new DatabaseSync(file, { readOnly: true });
      const count = other.prepare('SELECT count(*) AS rows FROM kept').get()?.['rows'];
      other.close();
      return count;
    };
    const empty = () => checkpointer.empty();
    return { file, write, frames, close, rows, empty };
  }

  it('keeps it small though writing never rests, and loses nothing', async () => {
    const { file, write, frames, close, rows } = queueIn({ due: 100, most: 400 });
    const writer = async (): Promise<void> => {
      for (let nth = 0; nth < 300; nth += 1) await write();
    };
    await Promise.all([writer(), writer(), writer()]);
    // Five frames a row at least: without copying there would be 4,500.
    assert.ok(frames() < 1_000, `${frames()} frames`);
    assert.equal(rows(), 900);
    await close();
    assert.ok(!existsSync(`${file}-wal`));
    assert.equal(rows(), 900);
  });

  it('goes on writing while somebody reads an older state, and catches up after', async () => {
    const { file, write, frames, close, rows } = queueIn({ due: 100, most: 400 });
    await write();
    const reader = openDatabase(file);
    reader.exec('BEGIN; SELECT count(*) FROM kept');
    for (let nth = 0; nth < 200; nth += 1) await write();
    const held = frames();
    assert.ok(held > 1_000, `${held} frames`);
    reader.exec('COMMIT');
    reader.close();
    for (let nth = 0; nth < 200; nth += 1) await write();
    assert.ok(frames() < 2 * held, `${frames()} frames, ${held} before`);
    assert.equal(rows(), 401);
    await close();
  });

  it('empties it when told to, though it is being copied or read', async () => {
    const { file, write, frames, close, empty } = queueIn({ due: 20, most: 400 });
    for (let round = 0; round < 5; round += 1) {
      for (let nth = 0; nth < 10; nth += 1) await write();
      await empty();
      assert.equal(frames(), 0);
    }
    await write();
    const reader = openDatabase(file);
    reader.exec('BEGIN; SELECT count(*) FROM kept');
    await write();
    const emptied = empty();
    setTimeout(() => reader.close(), 100);
    await emptied;
    assert.equal(frames(), 0);
    await close();
  });

  it('fails no write where it cannot copy', async () => {
    const { write, frames, close, rows } = queueIn({ due: 100, most: 400 }, join(directory, 'no', 'such.db'));
    for (let nth = 0; nth < 200; nth += 1) await write();
    assert.ok(frames() > 1_000);
    assert.equal(rows(), 200);
    await close();
  });
});
