import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { replaceDirectory } from '../../certs-dev/directory.ts';

describe('replacing a directory', () => {
  let scratch: string;
  let target: string;

  beforeEach(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'wayleave-directory-'));
    target = join(scratch, 'region');
  });

  afterEach(() => rm(scratch, { recursive: true, force: true }));

  const replace = (name: string, wanted = true): Promise<void> =>
    replaceDirectory({
      target,
      files: ['a', 'folder/b'].map((path) => ({ path, text: name, secret: false })),
      stillWanted: () => Promise.resolve(wanted),
    });

  async function holds(name: string): Promise<void> {
    assert.deepEqual(await readdir(scratch), ['region']);
    assert.deepEqual((await readdir(target)).sort(), ['a', 'folder']);
    assert.equal(await readFile(join(target, 'a'), 'utf8'), name);
    assert.equal(await readFile(join(target, 'folder/b'), 'utf8'), name);
  }

  it('puts all files in the place of all that was there, and leaves nothing beside it', async () => {
    await replace('first');
    await holds('first');
    await replace('second');
    await holds('second');
  });

  it('leaves what another has finished meanwhile, and nothing of its own', async () => {
    await replace('first');
    await replace('second', false);
    await holds('first');
  });

  it('lets exactly one of several win that start from nothing together', async () => {
    const names = ['first', 'second', 'third', 'fourth'];
    await Promise.all(names.map((name) => replace(name, false)));
    const winner = await readFile(join(target, 'a'), 'utf8');
    assert.ok(names.includes(winner));
    await holds(winner);
  });

  it('leaves what was there when a file cannot be written', async () => {
    await replace('first');
    const impossible = ['a', 'a/b'].map((path) => ({ path, text: 'second', secret: false }));
    const stillWanted = () => Promise.resolve(true);
    await assert.rejects(replaceDirectory({ target, files: impossible, stillWanted }));
    await holds('first');
  });
});
