import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';

import { authorityValidity, leafValidity } from '../../certs-dev/validity.ts';
import { issueVariant, type Variant } from '../../certs-dev/variants.ts';
import { signCertificate, type Credential } from '../../src/trust/certificate.ts';
import { issueAuthority, issueLeaf } from '../../src/trust/issue.ts';
import type { TlsMaterial } from '../support/neighbour.ts';
import { errorCode, type Reply } from '../support/viewer.ts';
import { Asking } from './asking.ts';

const HERTS = 'https://herts-west-essex.wayleave.example';
const HOUR = 3_600_000;
const HELLO = { method: 'GET', path: '/federation/v1/hello' };

describe('the listener between brokers: who may connect', () => {
  let asking: Asking;
  let authority: Credential;
  let ahead = 0;

  before(async () => {
    asking = await Asking.start({ now: () => Date.now() + ahead });
    const keys = join(asking.federation.directory, 'keys/herts-west-essex');
    authority = {
      certificate: readFileSync(join(keys, 'public/ca.pem'), 'utf8'),
      key: readFileSync(join(keys, 'offline/ca.key.pem'), 'utf8'),
    };
  });
  after(() => asking.stop());
  afterEach(() => (ahead = 0));

  const material = ({ certificate, key }: Credential): TlsMaterial => ({ cert: certificate, key });
  const variant = async (name: Variant): Promise<TlsMaterial> => {
    const context = { region: 'herts-west-essex', other: 'essex-suffolk', authority, now: new Date() };
    return material(await issueVariant(name, 'client', context));
  };
  const withProfile = async (names: { uris?: string[]; dns?: string[] }): Promise<TlsMaterial> =>
    material(
      await signCertificate(
        { commonName: 'client', authority: false, usage: 'client', ...names, ...leafValidity(new Date()) },
        authority,
      ),
    );
  const knock = async (tls: TlsMaterial): Promise<Reply> =>
    asking.send(await asking.token(), { tls });

  describe('refused in the handshake, and counted by what was wrong', () => {
    const cases: readonly [name: string, tls: () => Promise<TlsMaterial>, code: string][] = [
      ['no certificate', async () => ({ cert: undefined, key: undefined }), 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE'],
      ['an unknown authority with the name of the real one', () => variant('unknown-ca'), 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
      ['an expired certificate', () => variant('expired'), 'CERT_HAS_EXPIRED'],
      ['a certificate for servers only', () => variant('server-only-eku'), 'INVALID_PURPOSE'],
      ['a certificate that a leaf issued', () => variant('nested'), 'UNSPECIFIED'],
      ["a viewer's certificate", async () => viewerMaterial(), 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
      [
        'a self-signed certificate',
        async () => material(await issueAuthority({ name: 'Hertfordshire', ...authorityValidity(new Date()) })),
        'DEPTH_ZERO_SELF_SIGNED_CERT',
      ],
      ['TLS 1.2', async () => ({ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' }), 'ERR_SSL_UNSUPPORTED_PROTOCOL'],
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

    it('TLS 1.2 and a missing certificate end in an alert that says so', async () => {
      const alert = async (tls: TlsMaterial): Promise<string | undefined> => {
        const error: unknown = await knock(tls).catch((reason: unknown) => reason);
        return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
      };
      assert.equal(
        await alert({ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' }),
        'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
      );
      assert.match(
        (await alert({ cert: undefined, key: undefined })) ?? '',
        /CERTIFICATE_REQUIRED|ECONNRESET|EPIPE/,
      );
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
    const cases: readonly [name: string, tls: () => Promise<TlsMaterial>][] = [
      ["another region's name from this region's authority", () => variant('wrong-region')],
      ['two URI names, the right one first', () => variant('two-uris')],
      ['two URI names, the right one last', () => withProfile({ uris: [`${HERTS}/x`, HERTS] })],
      ['no URI name', () => withProfile({ dns: ['herts-west-essex.wayleave.example'] })],
      ['a URI name that no neighbour has', () => withProfile({ uris: ['https://kent.wayleave.example'] })],
      ['a name that only begins like a neighbour', () => withProfile({ uris: [`${HERTS}.example`] })],
      ["a host name that reads like a neighbour's URI", () => withProfile({ dns: [`x, URI:${HERTS}`] })],
    ];
    for (const [name, tls] of cases) {
      it(name, async () => {
        const chosen = await tls();
        await asking.refusesUnsigned(403, 'certificate-unknown', () => knock(chosen));
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
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
    const first = await over(agent, material(leaf));
    ahead = 2 * HOUR;
    const second = await asking.refusesUnsigned(403, 'certificate-expired', () => over(agent, material(leaf)));
    assert.equal(first.status, 204);
    assert.equal(first.headers['local-port'], second.headers['local-port']);
    agent.destroy();
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
  function over(agent: https.Agent, tls: TlsMaterial): Promise<Reply> {
    const port = asking.federation.broker(asking.to).ports.federation;
    const options = { ...asking.neighbour.tls(asking.to), ...tls, agent, port, host: '127.0.0.1', path: HELLO.path };
    return new Promise((resolve, reject) => {
      const request = https.get({ ...options, checkServerIdentity: () => undefined }, (response) => {
        const local = String(response.socket.localPort);
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          const body = (text === '' ? { resourceType: 'none' } : JSON.parse(text)) as Reply['body'];
          resolve({ status: response.statusCode ?? 0, headers: { ...response.headers, 'local-port': local }, text, body });
        });
      });
      request.on('error', reject);
    });
  }

  /** One connection with one request, offering `session`. */
  async function connection(session: Buffer | undefined): Promise<{ session: Buffer; reused: boolean }> {
    const socket: TLSSocket = connect({
      host: '127.0.0.1',
      port: asking.federation.broker(asking.to).ports.federation,
      ...asking.neighbour.tls(asking.to),
      checkServerIdentity: () => undefined,
      ...(session === undefined ? {} : { session }),
    });
    let given: Buffer | undefined;
    socket.on('session', (ticket: Buffer) => (given = ticket));
    socket.end(`GET ${HELLO.path} HTTP/1.1\r\nHost: london\r\nConnection: close\r\n\r\n`);
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk as Buffer);
    assert.match(Buffer.concat(chunks).toString(), /^HTTP\/1.1 204/);
    return { session: given ?? Buffer.from(socket.getSession() ?? ''), reused: socket.isSessionReused() };
  }
});
