import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { AuditStream, type StreamSettings } from '../../../src/audit/stream/audit-stream.ts';
import { backOff } from '../../../src/audit/stream/back-off.ts';
import { DeliveryError, HouseError } from '../../../src/errors.ts';
import type { NewEntry, Store } from '../../../src/store/contracts.ts';
import { openSqliteStore } from '../../../src/store/sqlite/store.ts';
import { entry, item, LOG, naiveRoot } from '../../store/entries.ts';
import { until } from '../../support/until.ts';

/** A sink in memory that does what a test says. */
class Taking {
  readonly batches: Buffer[][] = [];
  closed = false;
  /** Undefined: the batch arrives. */
  answer: (batch: readonly Buffer[]) => Promise<void> | undefined = () => undefined;
  readonly sink = {
    send: async (lines: readonly Buffer[]): Promise<void> => {
      this.batches.push([...lines]);
      await this.answer(lines);
    },
    close: () => void (this.closed = true),
  };

  get seqs(): number[][] {
    return this.batches.map((batch) =>
      batch.map((leaf) => (JSON.parse(leaf.toString()) as { seq: number }).seq),
    );
  }
}

const leafOf = (nth: number, more = ''): NewEntry =>
  entry(`e-${nth}`, {
    facts: `"at":${1_000 + nth},"boot":"b","event":"query-sent","exchange":"e-${nth}","m":"${more}"`,
  });
const sizes = (size: number): Map<string, number> => new Map([[LOG, size]]);
const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, nth) => from + nth);

describe('a stream of the log', () => {
  let directory: string;
  let file: string;
  let store: Store;
  let told: object[];
  const running: AuditStream[] = [];
  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'wayleave-stream-'));
    file = join(directory, 'store.db');
    store = await openSqliteStore(file);
    told = [];
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((stream) => stream.stop()));
    await store.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const append = (count: number, more = '') =>
    store.log.append(LOG, [item(...range(0, count).map((n) => leafOf(n, more)))]);
  function started(taking: Taking, change: Partial<StreamSettings> = {}): AuditStream {
    const keep = (fields: object, message: string): void => void told.push({ ...fields, message });
    const stream = new AuditStream({
      ...{
        id: 's',
        kind: 'ndjson',
        logs: [LOG],
        store: store.log,
        cursors: store.streams,
        batch: 10,
        everyMs: 5,
      },
      ...{ sink: taking.sink, format: ({ leaf }) => [leaf], now: () => 0 },
      report: { info: keep, warn: keep, error: keep },
      ...change,
    });
    running.push(stream);
    stream.start();
    return stream;
  }
  const cursor = (id = 's') => store.streams.read(id, LOG);
  const behind = async (stream: AuditStream) => stream.status(sizes((await store.log.head(LOG)).size)).behind;

  it('begins at the beginning, goes in order, and follows the log as it grows', async () => {
    await append(25);
    const taking = new Taking();
    const stream = started(taking);
    await until(async () => (await cursor()) === 25);
    assert.deepEqual(taking.seqs, [range(0, 10), range(10, 20), range(20, 25)]);
    await append(3);
    await until(async () => (await cursor()) === 28);
    assert.deepEqual(taking.seqs.flat(), range(0, 28));
    assert.deepEqual(stream.status(sizes(28)), {
      id: 's',
      kind: 'ndjson',
      behind: 0,
      sent: new Date(0).toISOString(),
      fault: undefined,
    });
    assert.deepEqual(told, []);
  });

  it('gives the leaves of which the tree is', async () => {
    await append(40, 'é');
    const taking = new Taking();
    started(taking);
    await until(async () => (await cursor()) === 40);
    assert.deepEqual(Buffer.from((await store.log.head(LOG)).root), naiveRoot(taking.batches.flat()));
  });

  it('sends a batch of large entries in smaller ones', async () => {
    await append(10, 'x'.repeat(300_000));
    const taking = new Taking();
    started(taking);
    await until(async () => (await cursor()) === 10);
    assert.deepEqual(taking.seqs, [range(0, 3), range(3, 6), range(6, 9), [9]]);
  });

  it('sends again what did not arrive, and tells of it once', async () => {
    await append(15);
    const taking = new Taking();
    let failures = 0;
    taking.answer = async () => {
      if ((failures += 1) > 2) return;
      throw new DeliveryError('lost-connection', 'unconfirmed');
    };
    const stream = started(taking);
    await until(() => stream.status(sizes(15)).fault !== undefined);
    assert.deepEqual(stream.status(sizes(15)), {
      ...{ id: 's', kind: 'ndjson', behind: 15, sent: undefined, fault: 'lost-connection: unconfirmed' },
    });
    assert.equal(await cursor(), 0);
    await until(async () => (await cursor()) === 15);
    assert.deepEqual(taking.seqs, [range(0, 10), range(0, 10), range(0, 10), range(10, 15)]);
    assert.deepEqual(told, [
      { stream: 's', fault: 'lost-connection: unconfirmed', message: 'audit stream waits' },
      { stream: 's', message: 'audit stream goes on' },
    ]);
  });

  it('goes on after a restart where it was: at most the last batch comes again', async () => {
    await append(25);
    const first = new Taking();
    let keeps = 0;
    // The process is killed after the second batch has arrived, before that is kept.
    const killed: Store['streams'] = {
      ...store.streams,
      advance: (...args) => {
        if ((keeps += 1) > 1) throw new HouseError('store-unavailable');
        return store.streams.advance(...args);
      },
    };
    const stream = started(first, { cursors: killed });
    await until(() => keeps > 1);
    await stream.stop();
    assert.deepEqual(first.seqs.flat(), range(0, 20));
    await store.close();
    store = await openSqliteStore(file);
    const second = new Taking();
    started(second);
    await until(async () => (await cursor()) === 25);
    assert.deepEqual(second.seqs.flat(), range(10, 25));
  });

  it('does not send again what arrived while the store could not be written', async () => {
    await append(5);
    let full = true;
    const cursors: Store['streams'] = {
      ...store.streams,
      advance: async (...args) => {
        if (full) throw new HouseError('store-unavailable');
        await store.streams.advance(...args);
      },
    };
    const taking = new Taking();
    const stream = started(taking, { cursors });
    await until(() => stream.status(sizes(5)).fault === 'store-unavailable');
    assert.equal(await behind(stream), 0);
    full = false;
    await until(async () => (await cursor()) === 5);
    assert.deepEqual(taking.seqs, [range(0, 5)]);
  });

  it('waits by itself: one that hangs holds up neither another nor the stop', async () => {
    await append(12);
    const hanging = new Taking();
    hanging.answer = () => new Promise(() => undefined);
    const well = new Taking();
    const stuck = started(hanging, { id: 'stuck' });
    started(well, { id: 'well' });
    await until(async () => (await cursor('well')) === 12);
    assert.deepEqual(hanging.seqs, [range(0, 10)]);
    await stuck.stop();
    assert.ok(hanging.closed);
    assert.equal(await cursor('stuck'), 0);
  });

  it('lets the batch end that is under way when it is stopped, and begins no other', async () => {
    await append(25);
    const taking = new Taking();
    let arrive = (): void => undefined;
    taking.answer = () => new Promise((resolve) => (arrive = resolve));
    const stream = started(taking);
    await until(() => taking.batches.length === 1);
    const stopping = stream.stop();
    arrive();
    await stopping;
    assert.deepEqual([await cursor(), taking.seqs], [10, [range(0, 10)]]);
  });

  it('begins no batch when it is stopped while the store is read', async () => {
    await append(5);
    const taking = new Taking();
    let go = (): void => undefined;
    let asked = false;
    const slow: Store['log'] = {
      ...store.log,
      entries: async (...args) => {
        asked = true;
        await new Promise<void>((resolve) => (go = resolve));
        return await store.log.entries(...args);
      },
    };
    const stream = started(taking, { store: slow });
    await until(() => asked);
    const stopping = stream.stop();
    go();
    await stopping;
    assert.deepEqual(taking.batches, []);
  });

  it('never steps over an entry that is missing, or that is not what a broker writes', async () => {
    const broken: Record<string, string> = {
      'DELETE FROM log_entry WHERE sequence = 3': 'a gap',
      [`UPDATE log_entry SET leaf = CAST('{"seq":3,' || char(10) || '"at":1}' AS BLOB) WHERE sequence = 3`]:
        'two lines',
      [`UPDATE log_entry SET leaf = CAST('{"seq":4}' AS BLOB) WHERE sequence = 3`]: 'another number',
      [`UPDATE log_entry SET leaf = CAST('nothing' AS BLOB) WHERE sequence = 3`]: 'no JSON',
      'DELETE FROM log_entry WHERE sequence >= 3': 'an end before the head',
    };
    for (const [statement, what] of Object.entries(broken)) {
      const other = join(directory, `${what}.db`);
      const one = await openSqliteStore(other);
      await one.log.append(LOG, [item(...range(0, 6).map((n) => leafOf(n)))]);
      const hand = new DatabaseSync(other);
      hand.exec(statement);
      hand.close();
      const taking = new Taking();
      const stream = started(taking, { store: one.log, cursors: one.streams, batch: 3 });
      await until(() => stream.status(sizes(6)).fault !== undefined);
      assert.equal(stream.status(sizes(6)).fault, 'log-broken', what);
      assert.deepEqual(taking.seqs, [range(0, 3)], what);
      await stream.stop();
      await one.close();
    }
  });

  describe('of a log that has ended', () => {
    const NEXT = `${LOG}.2`;
    const succeed = () => {
      const first = () => item(entry('began', { facts: '"at":1,"event":"log-began","exchange":"began"' }));
      return store.log.succeed({ log: LOG, next: NEXT, at: 1, why: 'sealed', first });
    };
    const arrived = () => until(async () => (await store.streams.read('s', NEXT)) === 1);

    it('sends the rest of it, and then the one that follows', async () => {
      await append(25);
      await store.streams.advance('s', LOG, 12);
      await succeed();
      const taking = new Taking();
      const stream = started(taking, {
        logs: [LOG, NEXT],
        format: ({ log, leaf }) => [leaf, Buffer.from(`"${log}"`)],
      });
      await arrived();
      const lines = taking.batches
        .flat()
        .map((line) => JSON.parse(line.toString()) as string | { seq: number });
      const logs = lines.filter((line) => typeof line === 'string');
      const seqs = lines.flatMap((line) => (typeof line === 'string' ? [] : [line.seq]));
      assert.deepEqual(seqs, [...range(12, 25), 0]);
      assert.deepEqual(logs, [...range(12, 25).map(() => LOG), NEXT]);
      assert.equal(
        stream.status(
          new Map([
            [LOG, 25],
            [NEXT, 3],
          ]),
        ).behind,
        2,
      );
      assert.deepEqual(told, []);
    });

    it('counts what is behind in both', async () => {
      await append(25);
      await succeed();
      const hanging = new Taking();
      hanging.answer = () => new Promise(() => undefined);
      const stream = started(hanging, { logs: [LOG, NEXT] });
      await until(() => hanging.batches.length === 1);
      assert.equal(
        stream.status(
          new Map([
            [LOG, 25],
            [NEXT, 1],
          ]),
        ).behind,
        26,
      );
    });

    it('sends it up to where it is broken, says so, and goes on with the one that follows', async () => {
      await append(25);
      await succeed();
      const hand = new DatabaseSync(file);
      hand.exec('DELETE FROM log_entry WHERE sequence = 14');
      hand.close();
      const taking = new Taking();
      started(taking, { logs: [LOG, NEXT] });
      await arrived();
      assert.deepEqual(taking.seqs.flat(), [...range(0, 14), 0]);
      assert.deepEqual(told, [
        { stream: 's', log: LOG, next: 14, message: 'audit stream leaves a broken log' },
      ]);
    });
  });

  it('begins after what was pruned before it was configured, and says how much it lacks', async () => {
    await append(25);
    const pruned: Store['log'] = { ...store.log, pruned: async () => 20 };
    const taking = new Taking();
    started(taking, { store: pruned });
    await until(async () => (await cursor()) === 25);
    assert.deepEqual(taking.seqs, [range(20, 25)]);
    assert.deepEqual(told, [{ stream: 's', log: LOG, pruned: 20, message: 'audit stream lacks entries' }]);
  });

  it('sends nothing that the head does not cover yet', async () => {
    await append(8);
    const taking = new Taking();
    const head = await store.log.head(LOG);
    started(taking, { store: { ...store.log, head: async () => ({ ...head, size: 5 }) } });
    await until(async () => (await cursor()) === 5);
    assert.deepEqual(taking.seqs, [range(0, 5)]);
  });

  it('tries again after a second, then after twice as long each time, never more than a minute', () => {
    assert.deepEqual(
      [1, 2, 3, 6, 7, 50, 5_000].map((failures) => backOff(failures, 1)),
      [1, 2, 4, 32, 60, 60, 60].map((s) => s * 1_000),
    );
    assert.deepEqual(
      [1, 7].map((failures) => backOff(failures, 0)),
      [500, 30_000],
    );
  });
});
