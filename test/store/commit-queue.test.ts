import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';

import { CommitQueue } from '../../src/store/sqlite/commit-queue.ts';

const flushFails = new Error('the disk is gone');

/** A queue over a table of numbers, whose flushes end when the test says so. */
function queueWith(flushes: 'at once' | 'by hand') {
  const database = new DatabaseSync(':memory:');
  database.exec('CREATE TABLE kept (n INTEGER NOT NULL)');
  const pending: PromiseWithResolvers<void>[] = [];
  const queue = new CommitQueue(database, () => {
    if (flushes === 'at once') return Promise.resolve();
    const flush = Promise.withResolvers<void>();
    pending.push(flush);
    return flush.promise;
  });
  const insert = database.prepare('INSERT INTO kept (n) VALUES (?)');
  const write = (n: number) => queue.commit(() => Number(insert.run(n).lastInsertRowid));
  const kept = () =>
    database
      .prepare('SELECT n FROM kept ORDER BY n')
      .all()
      .map((row) => row['n']);
  return { database, queue, write, kept, pending };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function settled(promise: Promise<unknown>): Promise<boolean> {
  let done = false;
  promise.then(
    () => (done = true),
    () => (done = true),
  );
  await turn();
  return done;
}

describe('the commit queue', () => {
  it('tells nobody before the flush, and gathers the next group meanwhile', async () => {
    const { write, pending } = queueWith('by hand');
    const first = write(1);
    await turn();
    const next = [write(2), write(3)];
    assert.equal(await settled(first), false);
    assert.equal(pending.length, 1);
    pending[0]?.resolve();
    assert.equal(await first, 1);
    assert.equal(await settled(Promise.race(next)), false);
    assert.equal(pending.length, 2);
    pending[1]?.resolve();
    assert.deepEqual(await Promise.all(next), [2, 3]);
  });

  it('lets what is told to others be read only after the flush', async () => {
    const { queue, write, kept, pending } = queueWith('by hand');
    void write(1);
    await turn();
    const read = queue.afterFlush(kept);
    assert.equal(await settled(read), false);
    const next = write(2);
    pending[0]?.resolve();
    assert.deepEqual(await read, [1]);
    await turn();
    pending[1]?.resolve();
    await next;
    assert.deepEqual(await queue.afterFlush(kept), [1, 2]);
  });

  it('promises nothing more once a flush failed', async () => {
    const { queue, write, kept, pending } = queueWith('by hand');
    const lost = write(1);
    await turn();
    const next = write(2);
    const read = queue.afterFlush(kept);
    pending[0]?.reject(flushFails);
    const results = await Promise.allSettled([lost, next, read]);
    for (const result of results) assert.equal(result.status === 'rejected' && result.reason, flushFails);
    await assert.rejects(write(3), flushFails);
    assert.deepEqual(kept(), [1]);
  });

  it('keeps nothing of a group in which one write fails, and goes on with the next', async () => {
    const { queue, write, kept } = queueWith('at once');
    const group = [
      write(1),
      queue.commit(() => {
        throw new TypeError('a mistake');
      }),
      write(2),
    ];
    const results = await Promise.allSettled(group);
    assert.ok(results.every(({ status }) => status === 'rejected'));
    await write(3);
    assert.deepEqual(kept(), [3]);
  });

  it('lets the group end that is under way when it is closed, and rejects the others', async () => {
    const { queue, write, database, kept, pending } = queueWith('by hand');
    const underWay = write(1);
    await turn();
    const waiting = write(2);
    const closed = queue.close();
    await Promise.all([assert.rejects(waiting), assert.rejects(write(3))]);
    assert.equal(await settled(closed), false);
    pending[0]?.resolve();
    assert.equal(await underWay, 1);
    await closed;
    assert.deepEqual(kept(), [1]);
    database.close();
  });

  it('rejects what waits for another process when it is closed', async () => {
    const { queue, write, database } = queueWith('at once');
    let begun = 0;
    const exec = database.exec.bind(database);
    database.exec = (sql: string): void => {
      if (sql === 'BEGIN IMMEDIATE' && (begun += 1) > 0) {
        throw Object.assign(new Error('database is locked'), { errcode: 5 });
      }
      exec(sql);
    };
    const waiting = write(1);
    await turn();
    assert.equal(begun, 1);
    await Promise.all([queue.close(), assert.rejects(waiting)]);
    database.close();
  });
});
