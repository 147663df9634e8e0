import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type ConnectionOptions } from 'node:tls';

import { leafValidity } from '../../certs-dev/validity.ts';
import { issueVariant, type Variant } from '../../certs-dev/variants.ts';
import { signCertificate, type Credential } from '../../src/trust/certificate.ts';
import { issueLeaf } from '../../src/trust/issue.ts';
import { made } from '../support/made-certificate.ts';
import type { TlsMaterial } from '../support/neighbour.ts';
import type { Reply } from '../support/viewer.ts';
import { Asking } from './asking.ts';

const HERTS = 'https://herts-west-essex.wayleave.example';
const HOUR = 3_600_000;
const HELLO = { method: 'GET', path: '/federation/v1/hello' };

describe('the listener between brokers: who may connect', () => {
  let asking: Asking;
  let authority: Credential;
  let ahead = 0;
  let directory: string;
  const root = made({ name: 'Second root', authority: true });

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'wayleave-tls-'));
    await writeFile(join(directory, 'root.pem'), root.certificate);
    asking = await Asking.start({
      now: () => Date.now() + ahead,
      edit: (region, config) => {
        const neighbours = config['neighbours'] as { region: string; pin: { tls_anchors: string[] } }[];
        const herts = neighbours.find((one) => one.region === 'herts-west-essex');
        if (region === 'london') herts?.pin.tls_anchors.push(join(directory, 'root.pem'));
      },
    });
    const keys = join(asking.federation.directory, 'keys/herts-west-essex');
    authority = {
      certificate: readFileSync(join(keys, 'public/ca.pem'), 'utf8'),
      key: readFileSync(join(keys, 'offline/ca.key.pem'), 'utf8'),
    };
  });
  after(async () => {
    await asking.stop();
    await rm(directory, { recursive: true, force: true });
  });
  afterEach(() => (ahead = 0));

  const material = ({ certificate, key }: Credential): TlsMaterial => ({ cert: certificate, key });
  const variant = async (name: Variant): Promise<TlsMaterial> => {
    const context = { region: 'herts-west-essex', other: 'essex-suffolk', authority, now: new Date() };
    return material(await issueVariant(name, 'client', context));
  };
  const issued = async (
    names: { uris?: string[]; dns?: string[] },
    by?: Credential,
    use: { usage?: 'client' } = { usage: 'client' },
  ): Promise<TlsMaterial> => {
    const profile = { commonName: 'client', authority: false, ...use, ...names };
    return material(await signCertificate({ ...profile, ...leafValidity(new Date()) }, by));
  };
  const knock = async (tls: TlsMaterial): Promise<Reply> => asking.send(await asking.token(), { tls });

  describe('refused in the handshake, and counted by what was wrong', () => {
    const cases: readonly [name: string, tls: () => Promise<TlsMaterial>, code: string][] = [
      [
        'no certificate',
        async () => ({ cert: undefined, key: undefined }),
        'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE',
      ],
      [
        'an unknown authority with the name of the real one',
        () => variant('unknown-ca'),
        'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      ],
      ['an expired certificate', () => variant('expired'), 'CERT_HAS_EXPIRED'],
      ['a certificate for servers only', () => variant('server-only-eku'), 'INVALID_PURPOSE'],
      ['a certificate that a leaf issued', () => variant('nested'), 'certificate-chain'],
      ["a viewer's certificate", async () => viewerMaterial(), 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
      ['a self-signed certificate', () => issued({ uris: [HERTS] }), 'DEPTH_ZERO_SELF_SIGNED_CERT'],
      [
        'TLS 1.2',
        async () => ({ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' }),
        'ERR_SSL_UNSUPPORTED_PROTOCOL',
      ],
    ];
    for (const [name, tls, code] of cases) {
      it(name, async () => {
        const chosen = await tls();
        const rows = await asking.rows();
        const counted = await asking.countsOne(() => assert.rejects(knock(chosen)));
        assert.equal(counted, `federation-${code}`);
        assert.deepEqual(await asking.rows(), rows);
      });
    }

    it('TLS 1.2 ends in the alert that says so', async () => {
      const socket = connect({ ...end(), maxVersion: 'TLSv1.2' });
      const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
      assert.equal(error.code, 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
    });

    function viewerMaterial(): TlsMaterial {
      const viewer = join(asking.federation.directory, 'keys/herts-west-essex/viewers/hwe-viewer');
      return {
        cert: readFileSync(join(viewer, 'client.pem'), 'utf8'),
        key: readFileSync(join(viewer, 'client.key.pem'), 'utf8'),
      };
    }
  });

  describe('of a pinned authority, and yet nobody we know', () => {
    const cases: readonly [name: string, tls: () => Promise<TlsMaterial>, code: string][] = [
      [
        "another region's name from this region's authority",
        () => variant('wrong-region'),
        'certificate-chain',
      ],
      ['two URI names, the right one first', () => variant('two-uris'), 'certificate-name'],
      [
        'two URI names, the right one last',
        () => issued({ uris: [`${HERTS}/x`, HERTS] }, authority),
        'certificate-name',
      ],
      [
        'no URI name',
        () => issued({ dns: ['herts-west-essex.wayleave.example'] }, authority),
        'certificate-unknown',
      ],
      [
        'a URI name that no neighbour has',
        () => issued({ uris: ['https://kent.wayleave.example'] }, authority),
        'certificate-unknown',
      ],
      [
        'a name that only begins like a neighbour',
        () => issued({ uris: [`${HERTS}.example`] }, authority),
        'certificate-unknown',
      ],
      [
        "a host name that reads like a neighbour's URI",
        () => issued({ dns: [`x, URI:${HERTS}, DNS:y`] }, authority),
        'certificate-name',
      ],
      ['no stated use', () => issued({ uris: [HERTS] }, authority, {}), 'certificate-usage'],
    ];
    for (const [name, tls, code] of cases) {
      it(name, async () => {
        const chosen = await tls();
        await asking.refusesUnsigned(403, code, () => knock(chosen));
      });
    }
  });

  it('judges the certificate on every request, not once per connection', async () => {
    const leaf = await issueLeaf(authority, {
      commonName: 'client',
      uri: HERTS,
      usage: 'client',
      notBefore: new Date(Date.now() - HOUR),
      notAfter: new Date(Date.now() + HOUR),
    });
    const agent = new https.Agent({
      ...asking.neighbour.tls(asking.to),
      ...material(leaf),
      keepAlive: true,
      checkServerIdentity: () => undefined,
    });
    const first = await over(agent);
    ahead = 2 * HOUR;
    const second = await asking.refusesUnsigned(403, 'certificate-expired', () => over(agent));
    assert.equal(first.status, 204);
    assert.equal(first.headers['local-port'], second.headers['local-port']);
    agent.destroy();
  });

  it('finds the way through the issuers that came with a certificate, under a second pinned anchor', async () => {
    const issuing = made({ name: 'Issuing', by: root, authority: true });
    const leaf = made({ name: 'client', by: issuing, usages: ['client'], uris: [HERTS] });
    const tls = { cert: leaf.certificate + issuing.certificate, key: leaf.key };
    assert.equal((await asking.send('', { ...HELLO, tls })).status, 204);
  });

  it('gives no session that another connection could resume', async () => {
    const first = await connection(undefined);
    const second = await connection(first.session);
    assert.equal(second.reused, false);
  });

  it('and a good neighbour is answered as before', async () => {
    assert.equal((await asking.send('', HELLO)).status, 204);
    await asking.stillAnswers();
  });

  /** A request of the agent's; its reply names the client's port, so that a test sees which connection it took. */
  function over(agent: https.Agent): Promise<Reply> {
    const port = asking.federation.broker(asking.to).ports.federation;
    return new Promise((resolve, reject) => {
      const request = https.get({ agent, port, host: '127.0.0.1', path: HELLO.path }, (response) => {
        const local = String(response.socket.localPort);
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          const body = (text === '' ? { resourceType: 'none' } : JSON.parse(text)) as Reply['body'];
          resolve({
            status: response.statusCode ?? 0,
            headers: { ...response.headers, 'local-port': local },
            text,
            body,
          });
        });
      });
      request.on('error', reject);
    });
  }

  function end(): ConnectionOptions {
    const port = asking.federation.broker(asking.to).ports.federation;
    return {
      host: '127.0.0.1',
      port,
      ...asking.neighbour.tls(asking.to),
      checkServerIdentity: () => undefined,
    };
  }

  /** One connection with one request, offering `session`. */
  async function connection(session: Buffer | undefined): Promise<{ session: Buffer; reused: boolean }> {
    const socket = connect({ ...end(), ...(session === undefined ? {} : { session }) });
    let ticket: Buffer | undefined;
    let reused = false;
    socket.on('secureConnect', () => (reused = socket.isSessionReused()));
    socket.on('session', (given: Buffer) => (ticket = given));
    socket.end(`GET ${HELLO.path} HTTP/1.1\r\nHost: london\r\nConnection: close\r\n\r\n`);
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk as Buffer);
    assert.match(Buffer.concat(chunks).toString(), /^HTTP\/1.1 204/);
    return { session: ticket ?? Buffer.alloc(0), reused };
  }
});
