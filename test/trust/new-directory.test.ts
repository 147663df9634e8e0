import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat, writeFile, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { MaterialError, type MaterialCode } from '../../src/errors.ts';
import { makeDirectory } from '../../src/trust/new-directory.ts';

describe('making a directory', () => {
  let scratch: string;
  let target: string;

  beforeEach(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'wayleave-new-'));
    target = join(scratch, 'region');
  });
  afterEach(() => rm(scratch, { recursive: true, force: true }));

  const make = (text: string, ...paths: string[]): Promise<void> =>
    makeDirectory(
      target,
      paths.map((path) => ({ path, text, secret: path.startsWith('closed') })),
      ['closed'],
    );

  const refused = (code: MaterialCode, making: Promise<void>): Promise<void> =>
    assert.rejects(making, (error) => error instanceof MaterialError && error.code === code);

  it('puts every file in its place, the secret ones for their owner alone', async () => {
    await make('text', 'a', 'closed/b', 'open/c');
    assert.deepEqual((await readdir(target)).sort(), ['a', 'closed', 'open']);
    const mode = async (path: string): Promise<number> => (await stat(join(target, path))).mode & 0o777;
    assert.deepEqual(await Promise.all(['closed', 'closed/b', 'a'].map(mode)), [0o700, 0o600, 0o644]);
    assert.deepEqual(await readdir(scratch), ['region']);
  });

  it('leaves nothing at all where a file cannot be written', async () => {
    await refused('not-written', make('text', 'a', 'a/b'));
    assert.deepEqual(await readdir(scratch), []);
  });

  it('leaves what is there', async () => {
    await mkdir(target);
    await make('first', 'a');
    await refused('exists', make('second', 'a'));
    assert.equal(await readFile(join(target, 'a'), 'utf8'), 'first');
    await rm(target, { recursive: true });
    await writeFile(target, 'a file');
    await refused('exists', make('second', 'a'));
    assert.equal(await readFile(target, 'utf8'), 'a file');
  });

  it('lets one of several win that start together', async () => {
    const made = await Promise.allSettled(['one', 'two', 'three'].map((text) => make(text, 'a', 'closed/b')));
    assert.equal(made.filter(({ status }) => status === 'fulfilled').length, 1);
    assert.equal(await readFile(join(target, 'a'), 'utf8'), await readFile(join(target, 'closed/b'), 'utf8'));
    assert.deepEqual(await readdir(scratch), ['region']);
  });
});
