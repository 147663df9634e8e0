import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { FEDERATION } from '../../certs-dev/federation.ts';
import { generateFederation } from '../../certs-dev/generate.ts';
import { issueVariant } from '../../certs-dev/variants.ts';
import { digests } from './digests.ts';

const NOW = new Date();
const DAY = 86_400_000;
const REGIONS = FEDERATION.regions.map(({ id }) => id);

describe('development certificates, generated again', () => {
  let scratch: string;
  let directory: string;

  /** The regions that were made, not kept. */
  const generate = async (now = NOW, force = false): Promise<string[]> => {
    const reports = await generateFederation({ directory, ...FEDERATION, now, force });
    return reports.filter(({ madeBecause }) => madeBecause !== undefined).map(({ region }) => region);
  };

  before(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'wayleave-certificates-'));
    await generateFederation({ directory: join(scratch, 'first'), ...FEDERATION, now: NOW });
  });

  beforeEach(async () => {
    directory = await mkdtemp(join(scratch, 'copy-'));
    await cp(join(scratch, 'first'), directory, { recursive: true });
  });

  after(() => rm(scratch, { recursive: true, force: true }));

  it('changes no byte', async () => {
    const before = await digests(directory);
    assert.deepEqual(await generate(), []);
    assert.deepEqual(await digests(directory), before);
  });

  it('changes everything when forced', async () => {
    const before = await digests(directory);
    assert.deepEqual(await generate(NOW, true), REGIONS);
    const now = await digests(directory);
    assert.deepEqual([...now.keys()], [...before.keys()]);
    for (const [path, digest] of now) assert.notEqual(digest, before.get(path), path);
  });

  const damages: Record<string, (region: string) => Promise<unknown>> = {
    'lacks a key': (region) => rm(join(region, 'private/tls-client.key.pem')),
    'lacks a viewer': (region) => rm(join(region, 'viewers/london-viewer'), { recursive: true }),
    'lacks an admin': (region) => rm(join(region, 'admins/officer-2'), { recursive: true }),
    'gives its admin another authority to check it with': (region) =>
      cp(join(region, 'admins/ca.pem'), join(region, 'admins/officer-1/broker-ca.pem')),
    'has only its first directory': async (region) => {
      await rm(region, { recursive: true });
      await mkdir(join(region, 'public'), { recursive: true });
    },
    'has half a certificate': (region) => truncate(join(region, 'public/tls-server.pem'), 300),
    'has an empty secret': (region) => truncate(join(region, 'private/cursor.key')),
    'has half a signing key': (region) => truncate(join(region, 'private/log.jwk.json'), 40),
    'has a public key that is no key': (region) => writeFile(join(region, 'public/message.jwk.json'), 'null'),
    "has another region's authority": (region) =>
      cp(join(region, '../essex-suffolk/public/ca.pem'), join(region, 'public/ca.pem')),
    "has another region's leaf": (region) =>
      cp(join(region, '../essex-suffolk/public/tls-client.pem'), join(region, 'public/tls-client.pem')),
    "has another region's TLS key": (region) =>
      cp(
        join(region, '../essex-suffolk/private/tls-client.key.pem'),
        join(region, 'private/tls-client.key.pem'),
      ),
    'has a leaf that its own authority made out to another': async (region) => {
      const [certificate, key] = [join(region, 'public/ca.pem'), join(region, 'offline/ca.key.pem')];
      const authority = {
        certificate: await readFile(certificate, 'utf8'),
        key: await readFile(key, 'utf8'),
      };
      const context = { region: 'london', other: 'west-midlands', authority, now: NOW };
      const leaf = await issueVariant('wrong-region', 'client', context);
      await writeFile(join(region, 'public/tls-client.pem'), leaf.certificate);
      await writeFile(join(region, 'private/tls-client.key.pem'), leaf.key);
    },
    'has a leaf whose signature does not hold': async (region) => {
      const path = join(region, 'public/tls-server.pem');
      const der = new X509Certificate(await readFile(path)).raw;
      der.writeUInt8(der.readUInt8(der.length - 1) ^ 1, der.length - 1);
      const base64 = der.toString('base64').replace(/(.{64})/g, '$1\n');
      await writeFile(path, `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`);
    },
    'gives its viewer another authority to check it with': (region) =>
      cp(join(region, 'viewers/ca.pem'), join(region, 'viewers/london-viewer/broker-ca.pem')),
    'publishes another log key under the right key id': async (region) => {
      const path = join(region, 'public/log.jwk.json');
      const other = await readFile(join(region, '../essex-suffolk/public/log.jwk.json'), 'utf8');
      const { kid } = JSON.parse(await readFile(path, 'utf8')) as { kid: string };
      await writeFile(path, JSON.stringify({ ...(JSON.parse(other) as object), kid }));
    },
    'publishes another message key': (region) =>
      cp(join(region, '../west-midlands/public/message.jwk.json'), join(region, 'public/message.jwk.json')),
  };
  for (const [what, damage] of Object.entries(damages)) {
    it(`makes a region again that ${what}, and only that one`, async () => {
      const before = await digests(directory);
      await damage(join(directory, 'london'));
      assert.deepEqual(await generate(), ['london']);
      const now = await digests(directory);
      assert.deepEqual([...now.keys()], [...before.keys()]);
      for (const [path, digest] of now)
        assert.equal(digest !== before.get(path), path.startsWith('london/'), path);
      assert.deepEqual(await generate(), []);
    });
  }

  it('keeps leaves up to their last second and makes them again after it', async () => {
    const { validToDate } = new X509Certificate(
      await readFile(join(directory, 'london/public/tls-server.pem')),
    );
    assert.deepEqual(await generate(new Date(validToDate.getTime() - 1)), []);
    assert.deepEqual(await generate(validToDate), REGIONS);
  });

  it('removes what a process killed long ago left beside a region, and nothing younger', async () => {
    for (const name of ['.london-killed', '.london-at-work']) await mkdir(join(directory, name));
    const longAgo = new Date(Date.now() - DAY);
    await utimes(join(directory, '.london-killed'), longAgo, longAgo);
    await rm(join(directory, 'london'), { recursive: true });
    await generate();
    assert.deepEqual((await readdir(directory)).sort(), ['.london-at-work', ...REGIONS].sort());
  });

  it('ends whole when three runs start from nothing together', async () => {
    await rm(directory, { recursive: true });
    await Promise.all([generate(), generate(), generate()]);
    assert.deepEqual((await readdir(directory)).sort(), [...REGIONS].sort());
    assert.deepEqual(await generate(), []);
  });

  describe('by the command', () => {
    const GENERATE = join(import.meta.dirname, '../../certs-dev/generate.ts');
    const run = (...options: string[]) => promisify(execFile)(process.execPath, [GENERATE, ...options]);

    it('keeps what is there, and adds the variants that are named', async () => {
      const before = await digests(directory);
      await run('--out', directory, '--expired', '--unknown-ca');
      const after = await digests(directory);
      for (const [path, digest] of before) assert.equal(after.get(path), digest, path);
      const made = [...after.keys()].filter((path) => !before.has(path));
      assert.equal(made.length, 2 * REGIONS.length * 4);

      await run('--out', directory, '--unknown-ca', '--expired');
      assert.deepEqual(await digests(directory), after);
    });

    it('explains itself, and refuses what it does not know', async () => {
      assert.match((await run('--help')).stdout, /--wrong-region/);
      await assert.rejects(run('--out', directory, '--nonsense'), { code: 1 });
      const file = join(directory, 'london/public/ca.pem');
      await assert.rejects(run('--out', file), (error: { code: number; stderr: string }) => {
        assert.equal(error.code, 1);
        assert.equal(error.stderr.trim().split('\n').length, 1);
        return error.stderr.includes('--out');
      });
    });
  });
});
