import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { MaterialError } from '../../src/errors.ts';
import { activationSteps, signingKeyPlace, type SigningKeyPlace } from '../../src/trust/signing-key-files.ts';

describe('the files of a signing key that is rotated', () => {
  let directory: string;
  let place: SigningKeyPlace;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'wayleave-signing-'));
    place = signingKeyPlace(directory, 'message');
    for (const [file, text] of [
      [place.key, 'present'],
      [place.nextKey, 'next'],
    ] as const)
      writeFileSync(file, text, { mode: 0o600 });
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const read = (file: string): string => readFileSync(file, 'utf8');
  const all = (): string[] => readdirSync(directory).sort();

  it('put the next key in place and keep the former one, for their owner alone', async () => {
    for (const step of activationSteps(place, 'former')) await step();
    assert.deepEqual(all(), ['message.former.jwk.json', 'message.jwk.json']);
    assert.deepEqual([read(place.key), read(place.formerKey)], ['next', 'former']);
    for (const file of [place.key, place.formerKey]) assert.equal(statSync(file).mode & 0o777, 0o600);
  });

  it('hold, wherever it is cut off, the present key or the next one, and no key is lost; begun again it ends', async () => {
    const count = activationSteps(place, 'former').length;
    for (let done = 0; done < count; done += 1) {
      writeFileSync(place.key, 'present', { mode: 0o600 });
      writeFileSync(place.nextKey, 'next', { mode: 0o600 });
      rmSync(place.formerKey, { force: true });
      for (const step of activationSteps(place, 'former').slice(0, done)) await step();
      // The next key goes only by becoming the one in use: before the last step it is not.
      assert.deepEqual([read(place.key), read(place.nextKey)], ['present', 'next']);
      for (const step of activationSteps(place, 'former')) await step();
      assert.deepEqual([read(place.key), read(place.formerKey)], ['next', 'former']);
    }
  });

  it('stay as they were where the former key cannot be written', async () => {
    mkdirSync(place.formerKey);
    await assert.rejects(
      async () => {
        for (const step of activationSteps(place, 'former')) await step();
      },
      (error) => error instanceof MaterialError && error.code === 'not-written',
    );
    assert.deepEqual([read(place.key), read(place.nextKey)], ['present', 'next']);
    assert.deepEqual(all(), ['message.former.jwk.json', 'message.jwk.json', 'message.next.jwk.json']);
  });
});
