import assert from 'node:assert/strict';
import { spawn, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

import { FileSink } from '../../../src/audit/stream/file-sink.ts';
import { faultOf } from '../../../src/audit/stream/stream-fault.ts';

const SINK = resolve(import.meta.dirname, '../../../src/audit/stream/file-sink.ts');
const FAULT = resolve(import.meta.dirname, '../../../src/audit/stream/stream-fault.ts');
const line = (seq: number, more = ''): Buffer =>
  Buffer.from(`{"log":"l/log/1","seq":${seq},"leaf":{"m":"${more}"}}\n`);
const lines = (...seqs: number[]): Buffer[] => seqs.map((seq) => line(seq));
const seqsIn = (text: string): (number | 'torn')[] =>
  text
    .split('\n')
    .slice(0, -1)
    .map((one) => {
      try {
        return (JSON.parse(one) as { seq: number }).seq;
      } catch {
        return 'torn';
      }
    });

describe("a stream's file", () => {
  let directory: string;
  let file: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'wayleave-stream-'));
    file = join(directory, 'audit.ndjson');
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));
  const text = (name = file): string => readFileSync(name, 'utf8');
  const failsAs = (fault: string) => (error: unknown) => assert.equal(faultOf(error), fault) === undefined;

  it('grows line by line, and is nobody else’s to read', async () => {
    const sink = new FileSink(file);
    await sink.send(lines(0, 1));
    await sink.send(lines(2));
    await new FileSink(file).send(lines(3));
    assert.deepEqual(seqsIn(text()), [0, 1, 2, 3]);
    assert.equal(statSync(file).mode & 0o007, 0);
  });

  it('has a torn line ended, and never gets shorter', async () => {
    const sink = new FileSink(file);
    await sink.send(lines(0, 1));
    appendFileSync(file, line(2).subarray(0, 20));
    const before = text();
    await sink.send(lines(2, 3));
    assert.ok(text().startsWith(`${before}\n`));
    assert.deepEqual(seqsIn(text()), [0, 1, 'torn', 2, 3]);
  });

  it('is mended as well when its very first line was torn', async () => {
    for (const bytes of [1, 5, 20]) {
      writeFileSync(file, line(0).subarray(0, bytes));
      await new FileSink(file, 100).send(lines(0));
      await new FileSink(file).send(lines(1));
      assert.deepEqual(
        seqsIn(text())
          .filter((seq) => seq !== 'torn')
          .slice(-2),
        [0, 1],
      );
    }
  });

  it('is put aside under the number of its first line before it grows too long, and nothing is lost', async () => {
    const sink = new FileSink(file, 3 * line(0).length);
    for (const seq of [0, 1, 2, 3, 4, 5, 6]) await sink.send(lines(seq));
    assert.deepEqual(readdirSync(directory).sort(), [
      'audit.ndjson',
      'audit.ndjson.000000000000',
      'audit.ndjson.000000000003',
    ]);
    assert.deepEqual(
      readdirSync(directory)
        .sort()
        .flatMap((name) => seqsIn(text(join(directory, name))))
        .sort(),
      [0, 1, 2, 3, 4, 5, 6],
    );
  });

  it('takes a batch that is longer than a file by itself, and never replaces one that was put aside', async () => {
    const sink = new FileSink(file, 10);
    for (const seqs of [[5, 6], [5, 6], [5, 6], [7]]) await sink.send(lines(...seqs));
    const names = readdirSync(directory).sort();
    assert.deepEqual(names, [
      'audit.ndjson',
      'audit.ndjson.000000000005',
      'audit.ndjson.000000000005-2',
      'audit.ndjson.000000000005-3',
    ]);
    assert.deepEqual(
      names.map((name) => seqsIn(text(join(directory, name)))),
      [[7], [5, 6], [5, 6], [5, 6]],
    );
  });

  it('is begun anew where somebody moved it away', async () => {
    const sink = new FileSink(file);
    await sink.send(lines(0));
    renameSync(file, `${file}.moved`);
    await sink.send(lines(1));
    assert.deepEqual([seqsIn(text(`${file}.moved`)), seqsIn(text())], [[0], [1]]);
  });

  it("is not written to when it is another's", async () => {
    const sink = new FileSink(file);
    for (const other of ['SQLite format 3\u0000', '\n', '{"logs":1}\n', '{"level":30}\n']) {
      writeFileSync(file, other);
      await assert.rejects(sink.send(lines(0)), failsAs('not-a-stream-file'));
      assert.equal(text(), other);
    }
    mkdirSync(join(directory, 'd'));
    await assert.rejects(new FileSink(join(directory, 'd')).send(lines(0)), failsAs('not-a-stream-file'));
    await assert.rejects(new FileSink('/dev/null').send(lines(0)), failsAs('not-a-stream-file'));
  });

  it('waits where its directory is away or closed to us, and goes on when it is back', async () => {
    const inner = join(directory, 'mount');
    const sink = new FileSink(join(inner, 'audit.ndjson'));
    await assert.rejects(sink.send(lines(0)), failsAs('no-directory'));
    mkdirSync(inner);
    if (process.getuid?.() !== 0) {
      chmodSync(inner, 0o500);
      await assert.rejects(sink.send(lines(0)), failsAs('not-allowed'));
      chmodSync(inner, 0o700);
    }
    await sink.send(lines(0));
    assert.deepEqual(seqsIn(text(join(inner, 'audit.ndjson'))), [0]);
  });

  it('on a full disk waits, and afterwards has every line whole, at most some of them twice', async () => {
    // A limit on the size of files is to a program what a full disk is (prlimit, util-linux).
    const program = `
      import { createInterface } from 'node:readline';
      import { FileSink } from '${SINK}';
      import { faultOf } from '${FAULT}';
      const sink = new FileSink(process.argv[1]);
      const batch = (from) => Array.from({ length: 100 }, (_, n) => Buffer.from(
        JSON.stringify({ log: 'l/log/1', seq: from + n, leaf: { m: 'x'.repeat(200) } }) + '\\n'));
      for await (const from of createInterface({ input: process.stdin })) {
        console.log(await sink.send(batch(Number(from))).then(() => 'sent', faultOf));
      }`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program, file], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const said = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const send = async (from: number): Promise<string | undefined> => {
      child.stdin.write(`${from}\n`);
      return (await said.next()).value;
    };
    try {
      assert.equal(await send(0), 'sent');
      execFileSync('prlimit', [`--pid=${child.pid}`, '--fsize=35000:']);
      assert.equal(await send(100), 'disk-full');
      assert.equal(statSync(file).size, 35_000);
      assert.equal(await send(100), 'disk-full');
      execFileSync('prlimit', [`--pid=${child.pid}`, '--fsize=unlimited:']);
      assert.equal(await send(100), 'sent');
    } finally {
      child.stdin.end();
      await once(child, 'exit');
    }
    const found = seqsIn(text());
    const whole = found.filter((seq): seq is number => seq !== 'torn');
    assert.ok(found.filter((seq) => seq === 'torn').length <= 1);
    assert.deepEqual([...new Set(whole)], [...Array(200).keys()]);
    assert.deepEqual(
      whole.slice(-100),
      Array.from({ length: 100 }, (_, n) => 100 + n),
    );
  });
});
