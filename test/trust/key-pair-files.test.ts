import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { MaterialError } from '../../src/errors.ts';
import { changeSteps, keyFor, settle, type PairChange } from '../../src/trust/key-pair-files.ts';
import { ecKey, issue, type Issued } from '../support/certificates.ts';
import { ownPair, snapshotOf, type OwnPair } from '../support/own-pair.ts';

describe('the files of a certificate and its key', () => {
  const authority = issue({ name: 'CA', ca: true });
  const leaf = (name: string, key = ecKey()): Issued => issue({ name, key, usage: 'server' }, authority);
  const [present, fresh] = [leaf('present'), leaf('fresh')];
  const renewed = leaf('renewed', present.key);
  let pair: OwnPair;

  beforeEach(() => {
    pair = ownPair(present);
  });
  afterEach(() => pair.remove());

  const change = (to: Issued, withKey = true): PairChange => ({
    ...{ chain: to.pem, leaf: to.certificate },
    key: withKey ? { key: to.key, text: to.keyPem } : undefined,
  });

  const certificateText = (): string => readFileSync(pair.files.place.certificate, 'utf8');

  async function steps(to: Issued, withKey = true): Promise<(() => Promise<void>)[]> {
    const all = await changeSteps(pair.files, change(to, withKey));
    assert.ok(all);
    return all;
  }

  /** As a start does: the certificate first, then the key that fits it. */
  async function fits(text: string): Promise<void> {
    const certificate = new X509Certificate(text);
    const found = await keyFor(certificate, pair.files);
    assert.ok(found !== undefined && certificate.checkPrivateKey(found.key));
  }

  interface Scenario {
    readonly to: Issued;
    readonly withKey: boolean;
    readonly before?: () => void;
  }

  const SCENARIOS: Record<string, Scenario> = {
    'a new certificate with its key': { to: fresh, withKey: true },
    'a new certificate for the key that waits': {
      ...{ to: fresh, withKey: false },
      before: () => writeFileSync(pair.files.place.nextKey, fresh.keyPem, { mode: 0o600 }),
    },
    'a new certificate for the same key': { to: renewed, withKey: false },
    'a certificate for the former key': {
      ...{ to: fresh, withKey: false },
      before: () => writeFileSync(pair.files.place.formerKey, fresh.keyPem, { mode: 0o600 }),
    },
  };

  for (const [what, { to, withKey, before }] of Object.entries(SCENARIOS)) {
    describe(what, () => {
      beforeEach(() => before?.());

      it('leaves, wherever it is cut off, a certificate that has its key', async () => {
        const count = (await steps(to, withKey)).length;
        for (let done = 0; done <= count; done += 1) {
          pair.remove();
          pair = ownPair(present);
          before?.();
          for (const step of (await steps(to, withKey)).slice(0, done)) await step();
          await fits(certificateText());
          // And the next try ends it.
          for (const step of await steps(to, withKey)) await step();
          assert.equal(certificateText(), to.pem);
          assert.equal((await keyFor(to.certificate, pair.files))?.file, pair.files.place.key);
          assert.equal(await pair.files.read(pair.files.place.nextKey), undefined);
        }
      });

      it('never comes between a reader of the certificate and its key', async () => {
        const all = await steps(to, withKey);
        const seen = [certificateText()];
        for (const step of all) {
          await step();
          seen.push(certificateText());
          // Whoever read the certificate before any of the steps finds its key after this one.
          for (const text of new Set(seen)) await fits(text);
        }
        assert.deepEqual([...new Set(seen)], [present.pem, to.pem]);
      });
    });
  }

  it('keeps the former pair, and gives keys to their owner alone', async () => {
    for (const step of await steps(fresh)) await step();
    const { place } = pair.files;
    assert.equal(readFileSync(place.formerCertificate, 'utf8'), present.pem);
    assert.equal(readFileSync(place.formerKey, 'utf8'), present.keyPem);
    const mode = (file: string): number => statSync(file).mode & 0o777;
    assert.deepEqual([place.key, place.formerKey].map(mode), [0o600, 0o600]);
    assert.deepEqual([place.certificate, place.formerCertificate].map(mode), [0o644, 0o644]);
  });

  for (const obstacle of ['nextKey', 'formerKey', 'formerCertificate'] as const) {
    it(`is left as it was where ${obstacle} cannot be written`, async () => {
      const all = await steps(fresh);
      mkdirSync(pair.files.place[obstacle]);
      await assert.rejects(
        async () => {
          for (const step of all) await step();
        },
        (error) =>
          error instanceof MaterialError &&
          error.code === (obstacle === 'nextKey' ? 'exists' : 'not-written'),
      );
      assert.equal(certificateText(), present.pem);
      assert.equal(readFileSync(pair.files.place.key, 'utf8'), present.keyPem);
      for (const folder of [pair.files.place.key, pair.files.place.certificate].map(dirname)) {
        assert.deepEqual(
          readdirSync(folder).filter((name) => name.endsWith('.new')),
          [],
        );
      }
    });
  }

  it('is not changed where another import puts its key in place at the same moment', async () => {
    const [one, other] = [await steps(fresh), await steps(leaf('other'))];
    await one[0]?.();
    await assert.rejects(
      async () => other[0]?.(),
      (error) => error instanceof MaterialError && error.code === 'exists',
    );
    for (const step of one.slice(1)) await step();
    await fits(fresh.pem);
  });

  it('ends a change that was cut off before it begins the next one', async () => {
    const begun = await steps(fresh);
    for (const step of begun.slice(0, -1)) await step();
    assert.equal((await keyFor(fresh.certificate, pair.files))?.file, pair.files.place.nextKey);
    const third = leaf('third');
    for (const step of await steps(third)) await step();
    assert.equal(readFileSync(pair.files.place.key, 'utf8'), third.keyPem);
    assert.equal(readFileSync(pair.files.place.formerKey, 'utf8'), fresh.keyPem);
  });

  it('is rid of what a killed command left behind, once that is old', async () => {
    const folder = dirname(pair.files.place.nextKey);
    const [old, young] = ['.tls-server.next.key.pem.a.new', '.tls-server.next.key.pem.b.new'];
    for (const name of [old, young]) writeFileSync(join(folder, name), 'a key', { mode: 0o600 });
    utimesSync(join(folder, old), new Date(0), new Date(0));
    for (const step of await steps(fresh)) await step();
    const left = readdirSync(folder).filter((name) => name.endsWith('.new'));
    assert.deepEqual(left, [young]);
  });

  it('is not changed at all while it is planned', async () => {
    const before = snapshotOf(pair.directory);
    await steps(fresh);
    assert.deepEqual(snapshotOf(pair.directory), before);
  });

  it('without a key that fits is not planned', async () => {
    assert.equal(await changeSteps(pair.files, change(fresh, false)), undefined);
  });

  it('takes the next key into use only under its own certificate', async () => {
    writeFileSync(pair.files.place.nextKey, fresh.keyPem, { mode: 0o600 });
    await settle(pair.files);
    assert.equal(readFileSync(pair.files.place.key, 'utf8'), present.keyPem);
    writeFileSync(pair.files.place.certificate, fresh.pem);
    await settle(pair.files);
    assert.equal(readFileSync(pair.files.place.key, 'utf8'), fresh.keyPem);
  });
});
