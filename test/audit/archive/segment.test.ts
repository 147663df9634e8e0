import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { archiveLog } from '../../../src/audit/archive/archive-log.ts';
import { pack, unpack } from '../../../src/audit/archive/packed.ts';
import type { SegmentHead } from '../../../src/audit/archive/segment-file.ts';
import { verifyArchive } from '../../../src/audit/archive/verify-archive.ts';
import { verifySegment, type VerifySegmentOptions } from '../../../src/audit/archive/verify-segment.ts';
import { openSqliteStore } from '../../../src/store/sqlite/store.ts';
import { cosign, signCheckpoint } from '../../../src/tlog/checkpoint.ts';
import { startFederation, type TestFederation } from '../../support/federation.ts';
import { keyOf } from '../evidence-of.ts';
import { bytesOf, drain, inChunks, OldLog } from './old-log.ts';

/** The lines of a segment: its head, and its entries. */
type Lines = [head: SegmentHead, ...entries: { leaf: string; sealed?: string }[]];

describe('a segment of a log in a file', () => {
  let federation: TestFederation;
  let directory: string;
  /** Entries 0 to 29, 30 to 59, 60 to 89; and of another log of the same length. */
  let files: Buffer[];
  let names: string[];
  let others: Buffer[];

  async function archived(from: 'herts-west-essex' | 'london', folder: string): Promise<string[]> {
    const store = await openSqliteStore(join(directory, `${folder}.db`));
    const witness = from === 'london' ? 'herts-west-essex' : 'london';
    const old = await OldLog.open(federation, store, from, witness);
    for (let nth = 0; nth < 3; nth += 1) {
      await old.write(30);
      await old.sign();
    }
    const settings = await old.settings(directory);
    const made = await drain(archiveLog(settings, { before: Date.now(), most: 30 }));
    await store.close();
    return made.map(({ file }) => join(directory, file));
  }

  before(async function () {
    this.timeout(60_000);
    federation = await startFederation({ regions: ['herts-west-essex', 'london'] });
    directory = federation.directory;
    names = await archived('herts-west-essex', 'herts');
    files = names.map((name) => readFileSync(name));
    others = (await archived('london', 'london')).map((name) => readFileSync(name));
  });
  after(() => federation.stop());

  const failuresOf = async (bytes: Buffer, options?: VerifySegmentOptions): Promise<string[]> => {
    const { steps, holds } = await verifySegment(inChunks(bytes), options);
    const failed = steps.filter(({ result }) => result === 'failed').map(({ check }) => check);
    assert.equal(holds, failed.length === 0);
    return [...new Set(failed)];
  };
  const joinsOf = async (...given: (Buffer | undefined)[]): Promise<string[]> => {
    const sources = given.map((bytes, nth) => ({
      name: `${nth}`,
      chunks: () => inChunks(bytes ?? assert.fail()),
    }));
    const { holds, joins, files: read } = await verifyArchive(sources);
    const wrong = joins.filter(({ result }) => result === 'failed').map(({ check }) => check);
    assert.equal(holds, wrong.length === 0 && read.every((one) => one.holds));
    return wrong;
  };
  /** A file with other lines, packed anew as it must be: only what it says can be wrong. */
  const changed = async (bytes: Buffer | undefined, change: (lines: Lines) => unknown[] | undefined) => {
    const text = (await bytesOf(unpack(inChunks(bytes ?? assert.fail())))).toString();
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown) as Lines;
    const given = change(lines) ?? lines;
    const again = given.map((line) => (typeof line === 'string' ? line : `${JSON.stringify(line)}\n`));
    return bytesOf(pack(one(again.join(''))));
  };

  it('holds, alone and with those that go on from it', async () => {
    assert.equal(files.length, 3);
    for (const [nth, bytes] of files.entries()) {
      const { holds, summary, steps } = await verifySegment(inChunks(bytes));
      assert.ok(holds, JSON.stringify(steps.filter(({ result }) => result === 'failed')));
      assert.deepEqual([summary?.from, summary?.to, summary?.sealed], [nth * 30, nth * 30 + 30, 30]);
      assert.ok(steps.some(({ check, result }) => check === 'cosignature' && result === 'ok'));
    }
    assert.deepEqual(await joinsOf(...files), []);
    assert.deepEqual(await joinsOf(...files.toReversed(), ...others), []);
  });

  it('names no patient and no user, and holds no key', async () => {
    const text = (await bytesOf(unpack(inChunks(files[0] ?? assert.fail())))).toString();
    assert.doesNotMatch(text, /99900000|dr\.test|Condition/);
    const store = await openSqliteStore(join(directory, 'herts.db'));
    const old = await OldLog.open(federation, store);
    const keys = await store.archive.keys(old.origin, 0, 30);
    await store.close();
    assert.equal(keys.length, 30);
    for (const { wrappedKey } of keys) {
      assert.ok(!text.includes(Buffer.from(wrappedKey).toString('base64').slice(0, 20)));
    }
  });

  it('is verified by a process that has nothing but the files', () => {
    const launch = resolve(import.meta.dirname, '../../../src/launch.js');
    const run = (...words: string[]): string =>
      execFileSync(process.execPath, [launch, 'audit', 'verify-archive', ...words], {
        cwd: '/',
        env: { PATH: process.env['PATH'] },
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      });
    assert.match(run(...names), /All that could be checked holds/);
    const verdict = JSON.parse(run(...names, '--json')) as { files: { summary: { to: number } }[] };
    assert.deepEqual(
      verdict.files.map(({ summary }) => summary.to),
      [30, 60, 90],
    );
    const wrong = join(directory, 'wrong.gz');
    writeFileSync(wrong, files[0]?.subarray(1) ?? '');
    assert.throws(
      () => run(wrong),
      (error) => (error as { status: number }).status === 1,
    );
    assert.throws(
      () => run(join(directory, 'missing.gz')),
      (error) => (error as { status: number }).status === 2,
    );
    assert.throws(
      () => run(names[0] ?? '', names[2] ?? ''),
      (error) => (error as { status: number }).status === 1,
    );
  });

  it('is held against federation keys that are known from elsewhere', async () => {
    const pinned = federation.config('herts-west-essex').federationKeys;
    const theirs = federation.config('london').federationKeys;
    const [bytes = assert.fail()] = files;
    assert.deepEqual(await failuresOf(bytes, { federationKeys: [...pinned, ...theirs] }), []);
    assert.deepEqual(await failuresOf(bytes, { federationKeys: pinned }), ['federation-key']);
  });

  it('is refused with any one byte changed', async function () {
    this.timeout(60_000);
    const [, bytes = assert.fail()] = files;
    // Every fifth byte, each time another bit: every bit of every byte is changed where the packing is tested.
    for (let at = 0; at < bytes.length; at += 5) {
      const wrong = Buffer.from(bytes);
      wrong[at] = (wrong[at] ?? 0) ^ (1 << (at % 8));
      assert.notDeepEqual(await failuresOf(wrong), [], `byte ${at}`);
    }
  });

  const WRONG: [string, (lines: Lines) => unknown[] | undefined, string[]][] = [
    ['a leaf', ([, entry]) => void (entry!.leaf = entry!.leaf.replace('RQW', 'RAX')), ['root']],
    [
      'a leaf that says another number',
      ([, entry]) => void (entry!.leaf = entry!.leaf.replace('"seq":30', '"seq":31')),
      ['order'],
    ],
    ['two entries that changed places', ([head, a, b, ...rest]) => [head, b, a, ...rest], ['order']],
    ['an entry that is missing', ([head, a, , ...rest]) => [head, a, ...rest], ['order']],
    ['the last entry missing', (lines) => lines.slice(0, -1), ['order']],
    ['an entry twice', ([head, a, ...rest]) => [head, a, a, ...rest], ['order']],
    ['an entry behind the last', (lines) => [...lines, lines.at(-1)], ['order']],
    ['no entries', ([head]) => [head], ['order']],
    ['a leaf that is no JSON', ([, entry]) => void (entry!.leaf = 'leaf'), ['order']],
    ['an entry with a member more', ([, entry]) => void Object.assign(entry!, { more: 1 }), ['form']],
    [
      'an entry whose members changed places',
      ([head, { leaf, sealed } = assert.fail(), ...rest]) => [head, { sealed, leaf }, ...rest],
      ['form'],
    ],
    ['white space', ([head, ...rest]) => [head, '\n', ...rest], ['form']],
    ['a last line without its end', ([head, ...rest]) => [head, ...rest, '{}'], ['form']],
    [
      'what is sealed, in another text for the same bytes',
      ([, entry]) => void (entry!.sealed = `${entry!.sealed?.replace(/=*$/, '')}\n`),
      ['form'],
    ],
    ['a head with another version', ([head]) => void Object.assign(head, { wayleave_segment: 2 }), ['form']],
    ['no head', ([, ...rest]) => rest, ['form']],
    ['nothing', () => [], ['form']],
    ['another beginning', ([head]) => void Object.assign(head, { from: 31 }), ['frontier']],
    ['a beginning that is its end', ([head]) => void Object.assign(head, { from: 60 }), ['form']],
    ['another end', ([head]) => void Object.assign(head, { to: 61 }), ['order']],
    ['an end before its last entry', ([head]) => void Object.assign(head, { to: 59 }), ['order']],
    [
      'a frontier of too few hashes',
      ([head]) => void Object.assign(head, { frontier: head.frontier.slice(1) }),
      ['frontier'],
    ],
    [
      'a frontier of other hashes',
      ([head]) => void Object.assign(head, { frontier: head.frontier.toReversed() }),
      ['frontier', 'root'],
    ],
    [
      'no checkpoint at its beginning',
      ([head]) => void Reflect.deleteProperty(head, 'start'),
      ['checkpoint', 'frontier'],
    ],
    [
      'its end as its beginning',
      ([head]) => void Object.assign(head, { start: head.end }),
      ['checkpoint', 'frontier'],
    ],
    [
      'a signature cut away',
      ([head]) => void Object.assign(head, { end: head.end.replace(/— [^ ]+\/log.*\n/, '') }),
      ['checkpoint', 'root'],
    ],
    [
      'the cosignature cut away',
      ([head]) => void Object.assign(head, { end: head.end.replace(/— [^ ]+\/witness.*\n/, '') }),
      ['cosignature'],
    ],
    [
      "the witness's statement cut away",
      ([head]) => void Object.assign(head, { statements: head.statements.slice(0, 1) }),
      ['cosignature'],
    ],
    [
      "the log's statement cut away",
      ([head]) => void Object.assign(head, { statements: head.statements.slice(1) }),
      ['log', 'frontier', 'root'],
    ],
    [
      'a statement twice',
      ([head]) => void Object.assign(head, { statements: [...head.statements, head.statements[1]] }),
      ['statement'],
    ],
    [
      "another log's name",
      ([head]) => void Object.assign(head, { origin: 'x.example/log/1' }),
      ['log', 'frontier', 'root'],
    ],
  ];
  for (const [name, change, expected] of WRONG) {
    it(`is refused with ${name}, though it was packed anew`, async () => {
      assert.deepEqual(await failuresOf(await changed(files[1], change)), expected);
    });
  }

  it('is refused with what is sealed where the leaf commits to nothing', async () => {
    const bytes = await changed(files[1], ([, entry = assert.fail()]) => {
      entry.leaf = entry.leaf.replace(/,"sealed":\{.*\}\}$/, '}');
    });
    assert.deepEqual(await failuresOf(bytes), ['form']);
  });

  it("is refused with a checkpoint of another log, or another segment's head", async () => {
    const headOf = async (bytes: Buffer | undefined): Promise<SegmentHead> => {
      let head: SegmentHead | undefined;
      await changed(bytes, (lines) => void (head = lines[0]));
      return head ?? assert.fail();
    };
    const [third, foreign] = [await headOf(files[2]), await headOf(others[1])];
    const swap = (more: Partial<SegmentHead>) =>
      changed(files[1], ([head, ...rest]) => [{ ...head, ...more }, ...rest]);
    assert.deepEqual(await failuresOf(await swap({ end: foreign.end })), ['checkpoint', 'root']);
    assert.deepEqual(await failuresOf(await swap({ start: foreign.start! })), ['checkpoint', 'frontier']);
    assert.deepEqual(await failuresOf(await swap({ end: third.end })), ['checkpoint', 'root']);
    const { frontier, start } = third;
    assert.deepEqual(await failuresOf(await swap({ frontier })), ['frontier', 'root']);
    assert.deepEqual(await failuresOf(await swap({ frontier, start: start! })), [
      'checkpoint',
      'frontier',
      'root',
    ]);
  });

  it('is refused by another root that the log signed as well, and does not join on it', async () => {
    const log = await keyOf(federation, 'herts-west-essex', 'log');
    const witness = await keyOf(federation, 'london', 'witness');
    const origin = 'herts-west-essex.wayleave.example/log/1';
    const forged = (size: number): string => {
      const note = signCheckpoint({ origin, size, root: Buffer.alloc(32, 7) }, log);
      const text = note.slice(0, note.indexOf('\n\n') + 1);
      return `${note}${cosign(text, 'london.wayleave.example/witness', witness, 1_700_000_000)}`;
    };
    const other = await changed(files[1], ([head]) => void Object.assign(head, { start: forged(30) }));
    assert.deepEqual(await failuresOf(other), ['frontier']);
    assert.deepEqual(await joinsOf(files[0], other), ['join']);
  });

  it('does not join where neither end bears a signature', async () => {
    const unsigned = (note = ''): string => note.replace(/— [^ ]+\/log.*\n/, '');
    const one = await changed(files[0], ([head]) => void Object.assign(head, { end: unsigned(head.end) }));
    const other = await changed(
      files[1],
      ([head]) => void Object.assign(head, { start: unsigned(head.start) }),
    );
    assert.deepEqual(await joinsOf(one, other), ['join']);
  });

  it('does not join where one is missing, or there twice', async () => {
    assert.deepEqual(await joinsOf(files[0], files[2]), ['join']);
    assert.deepEqual(await joinsOf(files[0], files[1], files[1]), ['join']);
  });
});

async function* one(text: string): AsyncGenerator<string> {
  yield text;
}
