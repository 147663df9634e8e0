import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type TlsOptions } from 'node:tls';

import { authorityValidity, leafValidity } from '../../certs-dev/validity.ts';
import { issueAuthority, issueLeaf, type Credential } from '../../src/trust/issue.ts';
import { federationClientTls, federationServerTls, groupOf, viewerServerTls } from '../../src/trust/tls.ts';

const NOW = new Date();

describe('the groups that connections between brokers agree their keys in', () => {
  let authority: Credential;
  let server: Credential;
  let client: Credential;

  before(async () => {
    authority = await issueAuthority({ name: 'groups', ...authorityValidity(NOW) });
    const leaf = { uri: 'https://a.example', ...leafValidity(NOW) };
    server = await issueLeaf(authority, { ...leaf, commonName: 'server', usage: 'server' });
    client = await issueLeaf(authority, { ...leaf, commonName: 'client', usage: 'client' });
  });

  const serverTls = (): TlsOptions => federationServerTls(server, [authority.certificate]);

  it('both ends as they are: the hybrid of ML-KEM-768 and X25519', async () => {
    assert.equal(await agreed(serverTls(), {}), 'X25519MLKEM768');
  });

  const others: readonly [group: string, name: string][] = [
    ['X25519', 'X25519'],
    ['P-256', 'prime256v1'],
    ['P-384', 'secp384r1'],
  ];
  for (const [group, name] of others) {
    it(`a caller that offers ${group} alone is served`, async () => {
      assert.equal(await agreed(serverTls(), { ecdhCurve: group }), name);
    });
    it(`a listener that takes ${group} alone is reached`, async () => {
      assert.equal(await agreed({ ...serverTls(), ecdhCurve: group }, {}), name);
    });
  }

  it('a caller without any of them is refused', async () => {
    await assert.rejects(agreed(serverTls(), { ecdhCurve: 'P-521' }), /ALERT|alert/);
  });

  it('viewers are offered the same', async () => {
    const viewers = viewerServerTls(server, [authority.certificate]);
    assert.equal(await agreed(viewers, {}), 'X25519MLKEM768');
    assert.equal(await agreed(viewers, { ecdhCurve: 'P-256' }), 'prime256v1');
  });

  async function agreed(options: TlsOptions, change: { ecdhCurve?: string }): Promise<string | undefined> {
    const listener = createServer(options, (socket) => socket.on('error', () => undefined).end());
    await once(listener.listen(0, '127.0.0.1'), 'listening');
    const socket = connect({
      host: '127.0.0.1',
      port: (listener.address() as AddressInfo).port,
      ...federationClientTls(client, [authority.certificate]),
      checkServerIdentity: () => undefined,
      ...change,
    });
    try {
      await once(socket, 'secureConnect');
      return groupOf(socket);
    } finally {
      socket.destroy();
      listener.close();
    }
  }
});
