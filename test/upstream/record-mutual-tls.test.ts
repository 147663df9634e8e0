import assert from 'node:assert/strict';

import { hostNames } from '../../certs-dev/make-region.ts';
import { authorityValidity, leafValidity, pastValidity } from '../../certs-dev/validity.ts';
import { startDeadline } from '../../src/deadline.ts';
import { DeliveryError } from '../../src/errors.ts';
import { issueAuthority, issueLeaf, type Credential } from '../../src/trust/issue.ts';
import { RecordLink } from '../../src/upstream/record-link.ts';
import { unverified } from '../support/unverified.ts';
import { configuredRecord } from './configured-record.ts';
import { ScriptedServer, sendJson, SILENT } from './scripted-server.ts';

const NOW = new Date();
const URI = 'https://record.example';

describe('a regional record reached with mutual TLS', () => {
  let server: ScriptedServer;
  let authority: Credential;
  let other: Credential;
  let broker: Credential;
  before(async () => {
    [authority, other] = (await Promise.all(
      ['Record authority', 'Another authority'].map((name) =>
        issueAuthority({ name, ...authorityValidity(NOW) }),
      ),
    )) as [Credential, Credential];
    broker = await leaf(authority, 'client');
    server = await serveWith(await leaf(authority, 'server'));
  });
  after(() => server.stop());

  function leaf(by: Credential, usage: 'server' | 'client', change: object = {}): Promise<Credential> {
    const names = { commonName: usage, uri: URI, ...hostNames(usage) };
    return issueLeaf(by, { ...names, usage, ...leafValidity(NOW), ...change });
  }
  function serveWith({ certificate, key }: Credential): Promise<ScriptedServer> {
    const tls = { cert: certificate, key, ca: authority.certificate, requestCert: true };
    return ScriptedServer.start(
      (_seen, response) => sendJson(response, 200, { resourceType: 'Patient', id: '1' }),
      tls,
    );
  }
  async function get(at: ScriptedServer, own = broker, anchors = authority.certificate): Promise<unknown> {
    const { certificate, key } = own;
    const record = configuredRecord(`${at.origin}/fhir`, {
      credentials: { kind: 'mutual-tls', certificate, key, anchors },
    });
    const link = new RecordLink(record, SILENT, Date.now);
    using deadline = startDeadline(3000);
    try {
      return await link.get('Patient/1', deadline);
    } finally {
      link.close();
    }
  }
  const refusedAs =
    (...codes: string[]) =>
    (error: unknown) =>
      error instanceof DeliveryError && codes.includes(error.code);

  it('is given our certificate, and believed for its own', async () => {
    assert.deepEqual(await get(server), { resourceType: 'Patient', id: '1' });
    assert.equal(server.seen.at(-1)?.url, '/fhir/Patient/1');
    assert.equal('authorization' in (server.seen.at(-1)?.headers ?? {}), false);
  });

  it('gives us nothing without the right one', async () => {
    const seen = server.seen.length;
    const wrong = [await leaf(other, 'client'), await leaf(authority, 'client', pastValidity(NOW))];
    // TLS 1.3: the server's verdict comes after our end of the handshake, and the connection just closes.
    for (const own of wrong)
      await assert.rejects(get(server, own), refusedAs('lost-connection', 'tls-failed'));
    assert.equal(server.seen.length, seen);
  });

  const WRONG: Record<string, () => Promise<Credential>> = {
    'of another authority': () => leaf(other, 'server'),
    'that has expired': () => leaf(authority, 'server', pastValidity(NOW)),
    'for clients': () => leaf(authority, 'client', hostNames('server')),
    'of another address': () => leaf(authority, 'server', { dns: ['elsewhere.example'], ip: ['127.0.0.2'] }),
  };
  for (const [what, make] of Object.entries(WRONG)) {
    it(`is not asked behind a certificate ${what}`, async () => {
      const impostor = await serveWith(await make());
      await assert.rejects(get(impostor), refusedAs('tls-failed'));
      assert.equal(impostor.seen.length, 0);
      impostor.stop();
    });
  }

  it('is not asked behind one where a variable of the environment turns verification off', async () => {
    const impostor = await serveWith(await leaf(other, 'server'));
    await unverified(() => assert.rejects(get(impostor), refusedAs('tls-failed')));
    assert.equal(impostor.seen.length, 0);
    impostor.stop();
  });

  it('is believed for the authority of its configuration alone, not for the public ones', async () => {
    await assert.rejects(get(server, broker, other.certificate), refusedAs('tls-failed'));
  });
});
