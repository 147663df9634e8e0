import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { X509Certificate, type KeyObject } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import forge from 'node-forge';

import { MaterialError, type MaterialCode } from '../../src/errors.ts';
import { readMaterial } from '../../src/trust/given-material.ts';
import { keyFor } from '../../src/trust/key-pair-files.ts';
import { planImport, type ImportRequest, type PlannedImport } from '../../src/trust/plan-import.ts';
import { openPrivateKey, plainPkcs8 } from '../../src/trust/private-key.ts';
import { ecKey, issue, rsaKey, type Issued, type Wish } from '../support/certificates.ts';
import { ownPair, type OwnPair } from '../support/own-pair.ts';

const ENTITY = 'https://gm.wayleave.example';
const DAY_MS = 86_400_000;
const dayFromNow = (days: number): Date => new Date(Date.now() + days * DAY_MS);

describe('importing a certificate of ours', () => {
  const root = issue({ name: 'Root', ca: true });
  const middle = issue({ name: 'Issuing CA', ca: true }, root);
  const leafWish: Wish = { name: 'broker', uris: [ENTITY], dns: ['gm.example'], usage: 'server' };
  const present = issue({ ...leafWish, name: 'present' }, middle);
  const leaf = issue({ ...leafWish, key: present.key }, middle);
  let pair: OwnPair;

  beforeEach(() => {
    pair = ownPair(present);
  });
  afterEach(() => pair.remove());

  interface Changes extends Partial<Omit<ImportRequest, 'given'>> {
    readonly passphrase?: string;
  }

  async function plan(sent: Buffer | string, changes: Changes = {}): Promise<PlannedImport> {
    const { passphrase, ...rest } = changes;
    return planImport({
      given: readMaterial(Buffer.from(sent), 'chain.pem', passphrase),
      ...{ file: 'chain.pem', key: undefined, namedAnchors: [], listedAnchors: undefined },
      ...{ mayBeUnlisted: false, mayNameFewer: false, files: pair.files },
      role: { entity: ENTITY, usage: 'server', at: Date.now() },
      keyText: (key: KeyObject) => Promise.resolve(plainPkcs8(key)),
      ...rest,
    });
  }

  async function take(sent: Buffer | string, changes: Changes = {}): Promise<void> {
    for (const step of (await plan(sent, changes)).steps) await step();
  }

  /** Refused with this code, and with nothing written. */
  async function refused(code: MaterialCode, sent: Buffer | string, changes: Changes = {}): Promise<void> {
    const before = pair.snapshot();
    await assert.rejects(
      () => take(sent, changes),
      (error) => {
        assert.ok(error instanceof MaterialError, String(error));
        assert.equal(error.code, code);
        assert.doesNotMatch(error.message, /\n|PRIVATE KEY/);
        return true;
      },
    );
    assert.deepEqual(pair.snapshot(), before);
  }

  const pem = (...all: Issued[]): string => all.map((one) => one.pem).join('');

  it('one that names fewer hosts than the one in place is refused, unless that is meant', async () => {
    const naming = (dns: readonly string[], ip: string): string =>
      pem(issue({ ...leafWish, dns, ips: [ip], key: present.key }, middle), middle, root);
    await take(naming(['gm.example', 'Two.example'], '127.0.0.1'));
    for (const dns of [[], ['gm.example'], ['two.example']]) {
      await refused('names-fewer', naming(dns, '127.0.0.1'));
    }
    const elsewhere = naming(['gm.example', 'two.example'], '127.0.0.2');
    await refused('names-fewer', elsewhere);
    await take(naming(['two.example', 'gm.example', 'three.example'], '127.0.0.1'));
    await take(elsewhere, { mayNameFewer: true });
  });

  it('puts a chain in order, whatever order it came in', async () => {
    for (const given of [
      [leaf, middle, root],
      [root, middle, leaf],
      [middle, root, leaf],
      [middle, leaf, middle, root, leaf],
    ]) {
      const { chain } = await plan(pem(...given));
      assert.deepEqual(
        chain.map(({ subject }) => subject),
        ['CN=broker', 'CN=Issuing CA', 'CN=Root'],
      );
    }
    await take(pem(root, leaf, middle));
    const { place } = pair.files;
    assert.equal(readFileSync(place.certificate, 'utf8'), pem(leaf, middle, root));
    assert.equal(readFileSync(place.formerCertificate, 'utf8'), present.pem);
    assert.equal(readFileSync(place.formerKey, 'utf8'), present.keyPem);
  });

  it('needs no root where the authority is named or listed', async () => {
    await refused('issuer-missing', pem(leaf, middle));
    await plan(pem(leaf, middle), { namedAnchors: [root.certificate] });
    await plan(pem(leaf, middle), { listedAnchors: [root.certificate] });
    await plan(pem(leaf), { listedAnchors: [middle.certificate] });
  });

  it('reads a single certificate as DER too', async () => {
    await plan(leaf.certificate.raw, { namedAnchors: [middle.certificate] });
  });

  const stranger = issue({ name: 'Stranger', ca: true });
  const namesake = issue({ name: 'Root', ca: true });
  const weakRoot = issue({ name: 'Weak root', ca: true, key: rsaKey() });
  const of = (wish: Partial<Wish>, issuer = middle): Issued =>
    issue({ ...leafWish, key: present.key, ...wish }, issuer);
  const BAD: Record<string, [MaterialCode, () => string]> = {
    'no certificate at all': ['no-certificate', () => present.keyPem],
    'a certificate that is damaged': ['no-certificate', () => leaf.pem.replace(/M/, 'A')],
    'a file that is cut off': ['unreadable', () => pem(leaf, middle).slice(0, -60)],
    'what is no certificate': ['unreadable', () => 'hello'],
    'authorities alone': ['leaf-missing', () => pem(middle, root)],
    'two leaves': ['several-leaves', () => pem(leaf, present, middle, root)],
    'no issuer': ['issuer-missing', () => pem(leaf)],
    'a gap in the middle': ['issuer-missing', () => pem(leaf, root)],
    "an issuer of the right name and another's key": ['issuer-missing', () => pem(leaf, middle, namesake)],
    'a foreign authority besides': ['foreign-certificate', () => pem(leaf, middle, root, stranger)],
    'a leaf that a leaf has issued': ['several-leaves', () => pem(of({}, leaf), leaf, middle, root)],
    'a leaf without a URI name': ['name-missing', () => pem(of({ uris: [] }), middle, root)],
    "a leaf with another's": [
      'name-foreign',
      () => pem(of({ uris: ['https://london.example'] }), middle, root),
    ],
    'a leaf with ours in other letters': [
      'name-foreign',
      () => pem(of({ uris: [`${ENTITY}/`] }), middle, root),
    ],
    'a leaf with two': [
      'name-foreign',
      () => pem(of({ uris: [ENTITY, 'https://london.example'] }), middle, root),
    ],
    'a leaf for clients': ['usage-wrong', () => pem(of({ usage: 'client' }), middle, root)],
    'a leaf for nothing': [
      'usage-wrong',
      () => {
        const { usage: _, ...rest } = leafWish;
        return pem(issue({ ...rest, key: present.key }, middle), middle, root);
      },
    ],
    'a leaf that has ended': ['expired', () => pem(of({ notAfter: dayFromNow(-0.01) }), middle, root)],
    'a leaf that begins tomorrow': [
      'not-yet-valid',
      () => pem(of({ notBefore: dayFromNow(1) }), middle, root),
    ],
    'an authority that has ended': [
      'expired',
      () => {
        const old = issue({ name: 'Old', ca: true, notAfter: dayFromNow(-0.01) }, root);
        return pem(of({}, old), old, root);
      },
    ],
    'a weak key': ['weak-key', () => pem(of({ key: rsaKey(1024) }), middle, root)],
    'a key on another curve': ['weak-key', () => pem(of({ key: ecKey('secp256k1') }), middle, root)],
    'an authority with a weak key': [
      'weak-key',
      () => {
        const weak = issue({ name: 'Weak', ca: true, key: rsaKey(1024) }, root);
        return pem(of({}, weak), weak, root);
      },
    ],
    'a SHA-1 signature': ['weak-signature', () => pem(of({ digest: 'sha1' }), middle, root)],
    'a SHA-1 signature with RSA': ['weak-signature', () => pem(of({ digest: 'sha1' }, weakRoot), weakRoot)],
    'another key': ['key-mismatch', () => pem(of({ key: ecKey() }), middle, root)],
    'another key in the file': ['key-mismatch', () => `${pem(leaf, middle, root)}${root.keyPem}`],
    'two keys': ['several-keys', () => `${pem(leaf, middle, root)}${root.keyPem}${present.keyPem}`],
  };
  for (const [what, [code, sent]] of Object.entries(BAD)) {
    it(`with ${what} is refused (${code}), and nothing is written`, () => refused(code, sent()));
  }

  it('does not mind how a root signed itself', async () => {
    const old = issue({ name: 'SHA-1 root', ca: true, key: rsaKey(), digest: 'sha1' });
    await plan(pem(of({}, old), old));
  });

  it('below an authority that our statement does not list is refused, unless that is meant', async () => {
    const listedAnchors = [stranger.certificate];
    await refused('anchor-unlisted', pem(leaf, middle, root), { listedAnchors });
    await plan(pem(leaf, middle, root), { listedAnchors, mayBeUnlisted: true });
    await plan(pem(leaf, middle, root), { listedAnchors: [stranger.certificate, middle.certificate] });
    await refused('anchor-unlisted', pem(leaf, middle, root), { listedAnchors: [namesake.certificate] });
  });

  it('wants the key in a file of its own to be the right one, and strong', async () => {
    const fresh = issue(leafWish, middle);
    await refused('key-mismatch', pem(fresh, middle, root), { key: ecKey() });
    await refused('several-keys', `${pem(fresh, middle, root)}${fresh.keyPem}`, { key: ecKey() });
    await take(`${pem(fresh, middle, root)}${fresh.keyPem}`, { key: fresh.key });
    assert.equal(readFileSync(pair.files.place.key, 'utf8'), plainPkcs8(fresh.key));
  });

  it('opens a key that is under a passphrase, and says when it is not the right one', () => {
    const text = present.key
      .export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'right' })
      .toString();
    assert.ok(openPrivateKey(text, 'key.pem', 'right').equals(present.key));
    for (const wrong of [undefined, 'wrong', '']) {
      assert.throws(
        () => openPrivateKey(text, 'key.pem', wrong),
        (error) =>
          error instanceof MaterialError && error.code === 'password-wrong' && error.cause === undefined,
      );
    }
  });

  it('does not write over a key that waits for another certificate', async () => {
    const waiting = ecKey();
    writeFileSync(pair.files.place.nextKey, plainPkcs8(waiting), { mode: 0o600 });
    const fresh = issue(leafWish, middle);
    await refused('exists', `${pem(fresh, middle, root)}${fresh.keyPem}`);
    // The present key's new certificate leaves it where it is.
    await take(pem(leaf, middle, root));
    assert.equal(readFileSync(pair.files.place.nextKey, 'utf8'), plainPkcs8(waiting));
    // Its own certificate brings it into use.
    await take(pem(of({ key: waiting }), middle, root));
    assert.equal(readFileSync(pair.files.place.key, 'utf8'), plainPkcs8(waiting));
    assert.equal(await pair.files.read(pair.files.place.nextKey), undefined);
  });

  it('can go back to the former certificate, whose key is only kept as the former one', async () => {
    const fresh = issue(leafWish, middle);
    await take(`${pem(fresh, middle, root)}${fresh.keyPem}`);
    await take(pem(present, middle, root));
    const found = await keyFor(present.certificate, pair.files);
    assert.equal(found?.file, pair.files.place.key);
    assert.ok((await keyFor(fresh.certificate, pair.files))?.file === pair.files.place.formerKey);
  });

  it('says that a key is missing where there is none at all', async () => {
    pair.remove();
    pair = ownPair();
    await refused('key-missing', pem(leaf, middle, root));
  });

  describe('as PKCS#12', () => {
    const rsaRoot = issue({ name: 'Awdurdod Sŵn', ca: true, key: rsaKey() });
    const rsaLeaf = issue({ ...leafWish, key: rsaKey() }, rsaRoot);
    const forgeCertificate = (one: Issued): forge.pki.Certificate => forge.pki.certificateFromPem(one.pem);
    const forgeKey = (one: Issued): forge.pki.rsa.PrivateKey => forge.pki.privateKeyFromPem(one.keyPem);

    function structure(key: Issued | undefined, certificates: Issued[], useMac: boolean): forge.asn1.Asn1 {
      return forge.pkcs12.toPkcs12Asn1(
        // Without a key: its typings do not know that.
        key === undefined ? null : forgeKey(key),
        certificates.map(forgeCertificate),
        'secret',
        { algorithm: 'aes256', useMac },
      );
    }

    function bytesOf(asn1: forge.asn1.Asn1): Buffer {
      return Buffer.from(forge.asn1.toDer(asn1).getBytes(), 'latin1');
    }

    const packed = (key: Issued | undefined, ...certificates: Issued[]): Buffer =>
      bytesOf(structure(key, certificates, true));

    /** forge writes one key only: what two files hold, in one, as another tool would write it. */
    function withTwoKeys(): Buffer {
      const [one, other] = [rsaLeaf, rsaRoot].map((key) => structure(key, [rsaLeaf, rsaRoot], false));
      const safe = (pfx: forge.asn1.Asn1 | undefined): forge.asn1.Asn1 =>
        [1, 1, 0].reduce<forge.asn1.Asn1>(
          (node, at) => (node.value as forge.asn1.Asn1[])[at] as forge.asn1.Asn1,
          pfx as forge.asn1.Asn1,
        );
      const contents = [one, other].flatMap(
        (pfx) => forge.asn1.fromDer(safe(pfx).value as string).value as forge.asn1.Asn1[],
      );
      const { Class, Type } = forge.asn1;
      const all = forge.asn1.create(Class.UNIVERSAL, Type.SEQUENCE, true, contents);
      safe(one).value = forge.asn1.toDer(all).getBytes();
      return bytesOf(one as forge.asn1.Asn1);
    }

    it('brings its key along', async () => {
      await take(packed(rsaLeaf, rsaRoot, rsaLeaf), { passphrase: 'secret' });
      const { place } = pair.files;
      assert.equal(readFileSync(place.certificate, 'utf8'), pem(rsaLeaf, rsaRoot));
      assert.ok(openPrivateKey(readFileSync(place.key, 'utf8'), '', undefined).equals(rsaLeaf.key));
    });

    it('with a wrong password, or without one, is refused', async () => {
      for (const passphrase of ['wrong', '', undefined]) {
        await refused('password-wrong', packed(rsaLeaf, rsaLeaf, rsaRoot), {
          ...(passphrase === undefined ? {} : { passphrase }),
        });
      }
    });

    it('without a key is refused where none in place fits', () =>
      refused('key-missing', packed(undefined, rsaLeaf, rsaRoot), { passphrase: 'secret' }));

    it('with several keys is refused', () =>
      refused('several-keys', withTwoKeys(), { passphrase: 'secret' }));

    it('with a wrong password and without a MAC that would tell is refused too', async () => {
      const bytes = bytesOf(structure(rsaLeaf, [rsaLeaf, rsaRoot], false));
      await refused('password-wrong', bytes, { passphrase: 'wrong' });
      await take(bytes, { passphrase: 'secret' });
    });

    it('that is cut off, or is something else, is refused', async () => {
      const whole = packed(rsaLeaf, rsaLeaf, rsaRoot);
      await refused('unreadable', whole.subarray(0, whole.length / 2), { passphrase: 'secret' });
      await refused('unreadable', Buffer.of(0x30, 0x03, 0x02, 0x01, 0x05), { passphrase: 'secret' });
    });

    it('as OpenSSL writes it, with an EC key, is read', async () => {
      const key = join(pair.directory, 'k.pem');
      const certificate = join(pair.directory, 'c.pem');
      writeFileSync(key, present.keyPem);
      writeFileSync(certificate, pem(leaf, middle, root));
      const passphrase = 'sëcrét €';
      const file = join(pair.directory, 'o.p12');
      const made = spawnSync(
        'openssl',
        [
          ...['pkcs12', '-export', '-inkey', key, '-in', certificate, '-out', file],
          ...['-passout', 'env:PASSPHRASE'],
        ],
        { env: { ...process.env, LC_ALL: 'C.UTF-8', PASSPHRASE: passphrase } },
      );
      assert.equal(made.status, 0, 'openssl is missing or fails: apt-get install openssl');
      const bytes = readFileSync(file);
      const { certificates, keys } = readMaterial(bytes, file, passphrase);
      assert.ok(keys.length === 1 && keys[0]?.equals(present.key));
      assert.deepEqual(
        certificates.map(({ fingerprint256 }) => fingerprint256).sort(),
        [leaf, middle, root].map((one) => new X509Certificate(one.pem).fingerprint256).sort(),
      );
      const { chain } = await plan(bytes, { passphrase });
      assert.equal(chain.length, 3);
      for (const wrong of ['wrong', 'sëcrét ', '']) {
        await refused('password-wrong', bytes, { passphrase: wrong });
      }
      // What was changed is told by the MAC, whatever the password is written in.
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(changed.length >> 1) ^ 1, changed.length >> 1);
      await refused('password-wrong', changed, { passphrase });
    });
  });
});
