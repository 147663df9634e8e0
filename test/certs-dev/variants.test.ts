import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { FEDERATION } from '../../certs-dev/federation.ts';
import { authorityValidity, leafValidity } from '../../certs-dev/validity.ts';
import { generateFederation } from '../../certs-dev/generate.ts';
import type { Variant } from '../../certs-dev/variants.ts';
import { issueVariant, VARIANTS } from '../../certs-dev/variants.ts';
import { writeVariants } from '../../certs-dev/write-variants.ts';
import type { Credential } from '../../src/trust/issue.ts';
import { issueAuthority, issueLeaf } from '../../src/trust/issue.ts';
import { handshake } from './handshake.ts';

const NOW = new Date();
const LONDON = 'https://london.wayleave.example';
const HERTS = 'https://herts-west-essex.wayleave.example';

describe('certificates that a broker must refuse', () => {
  let authority: Credential;
  let server: Credential;
  let client: Credential;

  before(async () => {
    authority = await issueAuthority({ name: 'London', ...authorityValidity(NOW) });
    const leaf = { uri: LONDON, ip: ['127.0.0.1'], ...leafValidity(NOW) };
    server = await issueLeaf(authority, { commonName: 'server', usage: 'server', ...leaf });
    client = await issueLeaf(authority, { commonName: 'client', usage: 'client', ...leaf });
  });

  const issue = (variant: Variant, usage: 'server' | 'client'): Promise<Credential> =>
    issueVariant(variant, usage, { region: 'london', other: 'herts-west-essex', authority, now: NOW });

  /** What a good server says to the variant's client, and a good client to the variant's server. */
  async function verdicts(variant: Variant): Promise<Record<'client' | 'server', object>> {
    const pin = authority.certificate;
    const [wrongClient, wrongServer] = [await issue(variant, 'client'), await issue(variant, 'server')];
    return {
      client: (await handshake({ credential: server, pin }, { credential: wrongClient, pin })).server,
      server: (await handshake({ credential: wrongServer, pin }, { credential: client, pin })).client,
    };
  }

  const refusedByTls: Partial<Record<Variant, string>> = {
    expired: 'CERT_HAS_EXPIRED',
    'unknown-ca': 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    // OpenSSL's last word is "key usage does not include certificate signing", for which Node has no name.
    nested: 'UNSPECIFIED',
  };
  for (const [variant, refused] of Object.entries(refusedByTls)) {
    it(`${variant}: TLS refuses it as a client and as a server`, async () => {
      assert.deepEqual(await verdicts(variant as Variant), { client: { refused }, server: { refused } });
    });
  }

  it('server-only-eku: TLS refuses it as a client', async () => {
    assert.deepEqual((await verdicts('server-only-eku')).client, { refused: 'INVALID_PURPOSE' });
  });

  const leftToIdentity: Partial<Record<Variant, string>> = {
    'wrong-region': `URI:${HERTS}`,
    'two-uris': `URI:${LONDON}, URI:${HERTS}`,
  };
  for (const [variant, names] of Object.entries(leftToIdentity)) {
    it(`${variant}: TLS believes it, so that only the check of its name can refuse it`, async () => {
      assert.deepEqual(await verdicts(variant as Variant), {
        client: { names },
        server: { names: `${names}, DNS:localhost, IP Address:127.0.0.1` },
      });
    });
  }

  it('unknown-ca: bears the name of the real authority and the right identifier', async () => {
    const leaf = new X509Certificate((await issue('unknown-ca', 'client')).certificate);
    assert.equal(leaf.issuer, new X509Certificate(authority.certificate).subject);
    assert.equal(leaf.subjectAltName, `URI:${LONDON}`);
  });

  it('expired: ended a day ago, and was issued by the right authority', async () => {
    const leaf = new X509Certificate((await issue('expired', 'client')).certificate);
    assert.equal(leaf.validToDate.getTime(), Math.floor(NOW.getTime() / 1000) * 1000 - 86_400_000);
    assert.ok(leaf.verify(new X509Certificate(authority.certificate).publicKey));
  });

  describe('written beside a federation', () => {
    let directory: string;

    before(async () => {
      directory = await mkdtemp(join(tmpdir(), 'wayleave-variants-'));
      await generateFederation({ directory, ...FEDERATION, now: NOW });
    });

    after(() => rm(directory, { recursive: true, force: true }));

    const write = async (variants: readonly Variant[]): Promise<string[]> => {
      const reports = await writeVariants({ directory, regions: FEDERATION.regions, variants, now: NOW });
      return reports.filter(({ made }) => made).map(({ variant, region }) => `${variant}/${region}`);
    };

    it('makes each variant for each region once', async () => {
      assert.equal((await write(VARIANTS)).length, VARIANTS.length * FEDERATION.regions.length);
      assert.deepEqual(await write(VARIANTS), []);
      const path = join(directory, 'variants/wrong-region/west-midlands/client.pem');
      const leaf = new X509Certificate(await readFile(path));
      assert.equal(leaf.subjectAltName, `URI:${HERTS}`);
    });

    it("makes a region's variants again when its authority is another", async () => {
      await rm(join(directory, 'london'), { recursive: true });
      await generateFederation({ directory, ...FEDERATION, now: NOW });
      assert.deepEqual(await write(['expired', 'nested', 'wrong-region']), [
        'expired/london',
        'nested/london',
        'wrong-region/london',
      ]);
    });
  });
});
