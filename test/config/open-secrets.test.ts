import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { closedAmong, newRegion } from '../../src/config/new-region.ts';
import { openSecrets, type SecretsPlace } from '../../src/config/open-secrets.ts';
import { StartError } from '../../src/errors.ts';
import { makeDirectory } from '../../src/trust/new-directory.ts';
import { keyWords } from '../../src/trust/key-strength.ts';
import { ecKey, issue } from '../support/certificates.ts';
import { firstWords } from '../support/first-words.ts';

const PASSPHRASE = 'correct horse battery staple';

describe('opening the secrets', () => {
  let directory: string;

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'wayleave-secrets-'));
    for (const [name, passphrase] of [
      ['plain', undefined],
      ['sealed', PASSPHRASE],
    ] as const) {
      const region = {
        ...firstWords(),
        ownAuthority: true,
        tlsKey: 'rsa',
        dns: [],
        ip: [],
        passphrase,
      } as const;
      const files = await newRegion({ ...region, messageAlgorithm: 'ES256' }, new Date());
      await makeDirectory(join(directory, name), files, closedAmong(files));
    }
  });
  after(() => rmSync(directory, { recursive: true }));

  function place(name: 'plain' | 'sealed', variable?: string): SecretsPlace {
    const file = (path: string): string => join(directory, name, path);
    const certificates = { server: file('public/tls-server.pem'), client: file('public/tls-client.pem') };
    return {
      secretsDirectory: file('private'),
      secrets_passphrase_env: variable,
      certificates,
      serverCertificate: readFileSync(certificates.server, 'utf8'),
      clientCertificate: readFileSync(certificates.client, 'utf8'),
    };
  }

  async function refused(opening: Promise<unknown>, ...words: string[]): Promise<void> {
    await assert.rejects(opening, (error) => {
      assert.ok(error instanceof StartError, String(error));
      for (const word of words) assert.ok(error.message.includes(word), error.message);
      for (let at: unknown = error; at instanceof Error; at = at.cause) {
        assert.ok(!`${at.message}${at.stack}`.includes(PASSPHRASE));
        assert.doesNotMatch(at.message, /PRIVATE KEY-----\n|"d":/);
      }
      return true;
    });
  }

  const fits = (certificate: string, key: string): boolean =>
    new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key));

  it('in clear gives the keys that fit the certificates', async () => {
    const where = place('plain');
    const secrets = await openSecrets(where);
    assert.ok(fits(where.serverCertificate, secrets.tlsServerKey));
    assert.ok(fits(where.clientCertificate, secrets.tlsClientKey));
  });

  it('under a passphrase leaves no private key in clear, and opens them all', async () => {
    const file = (name: string): string => readFileSync(join(directory, 'sealed', name), 'utf8');
    for (const name of ['private/message', 'private/log', 'private/witness', 'federation/federation']) {
      assert.ok(!file(`${name}.jwk.json`).includes('{'), name);
    }
    for (const name of ['private/tls-server', 'private/tls-client', 'federation/ca']) {
      assert.match(file(`${name}.key.pem`), /^-----BEGIN ENCRYPTED PRIVATE KEY-----/);
    }
    const where = place('sealed', 'OURS');
    const secrets = await openSecrets(where, { OURS: PASSPHRASE });
    assert.ok(fits(where.serverCertificate, secrets.tlsServerKey));
    for (const key of [secrets.messageKey, secrets.logKey, secrets.witnessKey]) assert.ok('d' in key);
  });

  it('is PKCS#8 with 600,000 iterations at least, as the bytes say', () => {
    const pem = readFileSync(join(directory, 'sealed/private/tls-server.key.pem'), 'utf8');
    const bytes = Buffer.from(pem.replaceAll(/-----.*-----|\s/g, ''), 'base64').toString('hex');
    // PBKDF2 (1.2.840.113549.1.5.12), a salt of 16, INTEGER 600000, HMAC-SHA-256; AES-256-CBC.
    assert.match(
      bytes,
      /06092a864886f70d01050c30[0-9a-f]{2}0410[0-9a-f]{32}0203(0927c0)300c06082a864886f70d0209/,
    );
    assert.ok(bytes.includes('060960864801650304012a'));
  });

  it('with a wrong passphrase, an empty or a missing one, stops with a sentence', async () => {
    await refused(openSecrets(place('sealed', 'OURS'), { OURS: 'wrong' }), 'passphrase');
    await refused(openSecrets(place('sealed', 'OURS'), { OURS: '' }), 'OURS', 'empty');
    await refused(openSecrets(place('sealed', 'OURS'), {}), 'OURS', 'not set');
    await refused(openSecrets(place('sealed'), {}), 'encrypted');
  });

  it('takes keys in clear where a passphrase is set: it may be put on one file after another', async () => {
    await openSecrets(place('plain', 'OURS'), { OURS: PASSPHRASE });
  });

  it('with a key that fits no certificate stops, and says which', async () => {
    const stranger = issue({ name: 'another' });
    await refused(openSecrets({ ...place('plain'), serverCertificate: stranger.pem }), 'certificates.server');
    await refused(openSecrets({ ...place('plain'), clientCertificate: 'hello' }), 'certificates.client');
  });

  it('takes the next or the former key where that is the one that fits', async () => {
    for (const state of ['next', 'former']) {
      const other = issue({ name: state, key: ecKey() });
      const file = join(directory, 'plain/private', `tls-server.${state}.key.pem`);
      writeFileSync(file, other.keyPem, { mode: 0o600 });
      const secrets = await openSecrets({ ...place('plain'), serverCertificate: other.pem });
      assert.ok(fits(other.pem, secrets.tlsServerKey));
      // And the present one stays in use for the certificate that is there.
      const where = place('plain');
      assert.ok(fits(where.serverCertificate, (await openSecrets(where)).tlsServerKey));
      rmSync(file);
    }
  });

  it('with a key that others can read stops, whichever of the three it is', async () => {
    for (const name of ['tls-server.key.pem', 'tls-server.next.key.pem', 'log.jwk.json']) {
      const file = join(directory, 'plain/private', name);
      const isNew = name.includes('next');
      if (isNew) writeFileSync(file, issue({ name: 'x' }).keyPem);
      chmodSync(file, 0o640);
      await refused(openSecrets(place('plain')), name, 'chmod');
      if (isNew) rmSync(file);
      else chmodSync(file, 0o600);
    }
  });

  it('with a JWE that was cut, or is something else, stops', async () => {
    const file = join(directory, 'sealed/private/log.jwk.json');
    const whole = readFileSync(file, 'utf8');
    for (const broken of [whole.trim().slice(0, -10), 'a.b.c.d.e', 'nothing']) {
      writeFileSync(file, broken);
      await refused(openSecrets(place('sealed', 'OURS'), { OURS: PASSPHRASE }), 'log.jwk.json');
    }
    writeFileSync(file, whole);
  });

  it('tells a kind of key in words', () => {
    assert.equal(keyWords(ecKey()), 'EC P-256');
  });
});
