import assert from 'node:assert/strict';
import { createHash, createPrivateKey, createPublicKey, sign, verify, X509Certificate } from 'node:crypto';
import type { JsonWebKey } from 'node:crypto';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { ADMINS, FEDERATION } from '../../certs-dev/federation.ts';
import { generateFederation } from '../../certs-dev/generate.ts';
import { digests } from './digests.ts';
import { handshake } from './handshake.ts';

const NOW = new Date();
const DAY = 86_400_000;
const REGIONS = FEDERATION.regions.map(({ id }) => id);

describe('development certificates', () => {
  let directory: string;

  const text = (path: string): Promise<string> => readFile(join(directory, path), 'utf8');
  const certificate = async (path: string): Promise<X509Certificate> => new X509Certificate(await text(path));
  const jwk = async (path: string): Promise<JsonWebKey> => JSON.parse(await text(path)) as JsonWebKey;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'wayleave-certificates-'));
    const reports = await generateFederation({ directory, ...FEDERATION, now: NOW });
    assert.deepEqual(
      reports,
      REGIONS.map((region) => ({ region, madeBecause: 'there was none' })),
    );
  });

  after(() => rm(directory, { recursive: true, force: true }));

  for (const region of REGIONS) {
    const viewers = FEDERATION.viewers.filter((viewer) => viewer.region === region).map(({ id }) => id);

    it(`${region}: every file of the layout and no other`, async () => {
      const expected = [
        'public/ca.pem public/tls-server.pem public/tls-client.pem public/federation.jwks.json',
        'public/message.jwk.json public/log.jwk.json public/witness.jwk.json private/tls-server.key.pem private/tls-client.key.pem',
        'private/message.jwk.json private/log.jwk.json private/witness.jwk.json private/cursor.key private/paging.key',
        'private/patient-digest.key private/trust.key private/audit.keys offline/ca.key.pem offline/federation.jwk.json',
        'offline/viewers-ca.key.pem viewers/ca.pem offline/admins-ca.key.pem admins/ca.pem',
        ...ADMINS.flatMap((admin) =>
          ['client.pem', 'client.key.pem', 'broker-ca.pem'].map((name) => `admins/${admin}/${name}`),
        ),
        ...viewers.flatMap((viewer) =>
          ['client.pem', 'client.key.pem', 'viewer.jwk.json', 'viewer.public.jwk.json', 'broker-ca.pem'].map(
            (name) => `viewers/${viewer}/${name}`,
          ),
        ),
      ].flatMap((line) => line.split(' '));
      assert.deepEqual([...(await digests(join(directory, region))).keys()], expected.sort());
    });

    it(`${region}: private files are for their owner only`, async () => {
      const mode = async (path: string) => (await stat(join(directory, region, path))).mode & 0o777;
      for (const closed of ['private', 'offline']) assert.equal(await mode(closed), 0o700);
      for (const path of (await digests(join(directory, region))).keys()) {
        const secret = /^(private|offline)\/|\.key\.pem$|\/viewer\.jwk\.json$/.test(path);
        assert.equal(await mode(path), secret ? 0o600 : 0o644, path);
      }
    });

    it(`${region}: leaves name the region once and are issued by its own authority`, async () => {
      const authority = await certificate(`${region}/public/ca.pem`);
      const usages = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' };
      const uri = `URI:https://${region}.wayleave.example`;
      const names = { server: `${uri}, DNS:localhost, IP Address:127.0.0.1`, client: uri };
      for (const usage of ['server', 'client'] as const) {
        const leaf = await certificate(`${region}/public/tls-${usage}.pem`);
        assert.equal(leaf.subjectAltName, names[usage]);
        assert.deepEqual(leaf.keyUsage, [usages[usage]]);
        assert.ok(
          leaf.checkPrivateKey(createPrivateKey(await text(`${region}/private/tls-${usage}.key.pem`))),
        );
        assertIssued(leaf, authority);
      }
    });

    it(`${region}: viewers' leaves name the viewer and are issued by another authority`, async () => {
      const authority = await certificate(`${region}/viewers/ca.pem`);
      assert.ok(viewers.length > 0);
      for (const viewer of viewers) {
        const folder = `${region}/viewers/${viewer}`;
        const leaf = await certificate(`${folder}/client.pem`);
        assert.equal(leaf.subjectAltName, `URI:https://${region}.wayleave.example/viewers/${viewer}`);
        assert.ok(leaf.checkPrivateKey(createPrivateKey(await text(`${folder}/client.key.pem`))));
        assertIssued(leaf, authority);
        assert.equal(leaf.verify((await certificate(`${region}/public/ca.pem`)).publicKey), false);
        assert.equal(await text(`${folder}/broker-ca.pem`), await text(`${region}/public/ca.pem`));
      }
    });

    it(`${region}: admins' leaves name the admin and are issued by a third authority`, async () => {
      const authority = await certificate(`${region}/admins/ca.pem`);
      for (const admin of ADMINS) {
        const folder = `${region}/admins/${admin}`;
        const leaf = await certificate(`${folder}/client.pem`);
        assert.equal(leaf.subjectAltName, `URI:https://${region}.wayleave.example/admins/${admin}`);
        assert.deepEqual(leaf.keyUsage, ['1.3.6.1.5.5.7.3.2']);
        assert.ok(leaf.checkPrivateKey(createPrivateKey(await text(`${folder}/client.key.pem`))));
        assertIssued(leaf, authority);
        for (const other of ['public/ca.pem', 'viewers/ca.pem'])
          assert.equal(leaf.verify((await certificate(`${region}/${other}`)).publicKey), false);
        assert.equal(await text(`${folder}/broker-ca.pem`), await text(`${region}/public/ca.pem`));
      }
    });

    it(`${region}: signing keys are labelled, and the public half has nothing private`, async () => {
      const message = FEDERATION.regions.find(({ id }) => id === region)?.messageAlgorithm;
      const jwks = JSON.parse(await text(`${region}/public/federation.jwks.json`)) as {
        keys: JsonWebKey[];
      };
      assert.equal(jwks.keys.length, 1);
      await assertPair(await jwk(`${region}/offline/federation.jwk.json`), jwks.keys[0], 'EdDSA');
      for (const [purpose, alg] of [['message', message] as const, ['log', 'EdDSA'] as const]) {
        const file = `${purpose}.jwk.json`;
        await assertPair(await jwk(`${region}/private/${file}`), await jwk(`${region}/public/${file}`), alg);
      }
      for (const viewer of viewers) {
        const folder = `${region}/viewers/${viewer}`;
        const [own, shown] = [
          await jwk(`${folder}/viewer.jwk.json`),
          await jwk(`${folder}/viewer.public.jwk.json`),
        ];
        await assertPair(own, shown, 'ES256');
      }
    });
  }

  it('shares no key: not between purposes, not between regions', async () => {
    const seen: string[] = [];
    for (const path of (await digests(directory)).keys()) {
      if (/\.keys?$/.test(path)) {
        const secret = await text(path);
        assert.equal(Buffer.from(secret, 'base64url').length, 32);
        seen.push(secret);
      } else if (/\.key\.pem$/.test(path)) {
        seen.push(await text(path));
      } else if (/\.jwk\.json$/.test(path)) {
        const { d, kid } = await jwk(path);
        if (d !== undefined) seen.push(String(kid));
      }
    }
    // 5 secrets, 5 TLS and authority keys, 4 signing keys and the admins' TLS keys a region; a TLS key and a signing
    // key a viewer.
    const ofRegion = 5 + 5 + 4 + ADMINS.length;
    assert.equal(seen.length, REGIONS.length * ofRegion + FEDERATION.viewers.length * 2);
    assert.equal(new Set(seen).size, seen.length);
  });

  it('has four regional authorities that do not vouch for each other', async () => {
    const authorities = await Promise.all(REGIONS.map((region) => certificate(`${region}/public/ca.pem`)));
    assert.equal(new Set(authorities.map(({ fingerprint256 }) => fingerprint256)).size, 4);
    for (const [at, region] of REGIONS.entries()) {
      const leaf = await certificate(`${region}/public/tls-client.pem`);
      assert.deepEqual(
        authorities.map((authority) => leaf.verify(authority.publicKey)),
        REGIONS.map((_, other) => other === at),
      );
    }
  });

  it('is in force from an hour ago, for 397 days and five years', async () => {
    const start = Math.floor((NOW.getTime() - 3_600_000) / 1000) * 1000;
    const inFiveYears = new Date(start);
    inFiveYears.setUTCFullYear(inFiveYears.getUTCFullYear() + 5);
    const authority = await certificate('london/public/ca.pem');
    const leaf = await certificate('london/public/tls-server.pem');
    assert.equal(authority.validFromDate.getTime(), start);
    assert.equal(authority.validToDate.getTime(), inFiveYears.getTime());
    assert.equal(leaf.validFromDate.getTime(), start);
    assert.equal(leaf.validToDate.getTime(), start + 397 * DAY);
  });

  it('makes a mutual TLS connection between two regions that pin each other', async () => {
    const end = async (region: string, usage: string, neighbour: string) => ({
      credential: {
        certificate: await text(`${region}/public/tls-${usage}.pem`),
        key: await text(`${region}/private/tls-${usage}.key.pem`),
      },
      pin: await text(`${neighbour}/public/ca.pem`),
    });
    const london = await end('london', 'server', 'herts-west-essex');
    const herts = await end('herts-west-essex', 'client', 'london');
    assert.deepEqual(await handshake(london, herts), {
      client: { names: 'URI:https://london.wayleave.example, DNS:localhost, IP Address:127.0.0.1' },
      server: { names: 'URI:https://herts-west-essex.wayleave.example' },
    });

    const unpinned = await handshake(london, await end('west-midlands', 'client', 'london'));
    assert.deepEqual(unpinned.server, { refused: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
  });
});

function assertIssued(leaf: X509Certificate, authority: X509Certificate): void {
  assert.equal(authority.ca, true);
  assert.equal(leaf.ca, false);
  assert.ok(leaf.checkIssued(authority));
  assert.ok(leaf.verify(authority.publicKey));
}

async function assertPair(own: JsonWebKey, shown: JsonWebKey | undefined, alg?: string): Promise<void> {
  const { d, ...rest } = own;
  assert.equal(typeof d, 'string');
  assert.deepEqual(shown, rest);
  const required = own.kty === 'EC' ? ['crv', 'kty', 'x', 'y'] : ['crv', 'kty', 'x'];
  const canonical = `{${required.map((name) => `"${name}":"${String(own[name])}"`).join(',')}}`;
  const kid = createHash('sha256').update(canonical).digest('base64url');
  assert.deepEqual({ kid: own.kid, alg: own.alg, use: own.use }, { kid, alg, use: 'sig' });
  assert.equal(own.crv, alg === 'ES256' ? 'P-256' : 'Ed25519');

  const digest = alg === 'ES256' ? 'sha256' : null;
  const data = Buffer.from('wayleave');
  const signature = sign(digest, data, createPrivateKey({ key: own, format: 'jwk' }));
  assert.ok(verify(digest, data, createPublicKey({ key: shown, format: 'jwk' }), signature));
}
