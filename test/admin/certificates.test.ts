import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import { join } from 'node:path';

import { leafValidity, pastValidity } from '../../certs-dev/validity.ts';
import { openStore } from '../../src/broker.ts';
import { signCertificate } from '../../src/trust/certificate.ts';
import { issueAuthority, issueLeaf, type Credential } from '../../src/trust/issue.ts';
import { refusalCounts } from '../requesting/audit-rows.ts';
import { smallData } from '../requesting/small-data.ts';
import { callAdminApi, clientIn, type AdminCall } from '../support/admin.ts';
import { startFederation, type TestFederation } from '../support/federation.ts';
import type { TlsMaterial } from '../support/neighbour.ts';
import { soon } from '../support/soon.ts';
import { errorCode, issuesOf, type Reply } from '../support/viewer.ts';

const DAY = 86_400_000;
const LONDON = 'https://london.wayleave.example';
const OFFICER = `${LONDON}/admins/officer-1`;

describe('the admin API of a broker: who is let in', () => {
  let federation: TestFederation;
  let ahead = 0;
  const now = new Date();
  before(async () => {
    const clock = (): number => Date.now() + ahead;
    federation = await startFederation({ data: smallData(), regions: ['london'], now: clock });
  });
  after(() => federation.stop());
  afterEach(() => (ahead = 0));

  const file = (...names: string[]): string => join(federation.directory, 'keys', ...names);
  const read = (name: string): string => readFileSync(file(name), 'utf8');
  const port = (): number => federation.broker('london').ports.admin_api ?? 0;
  const brokerAnchor = (): { ca: string } => ({ ca: read('london/public/ca.pem') });
  const officer = (): TlsMaterial => clientIn(file('london/admins/officer-1'));
  const ask = (tls: TlsMaterial, path = '/admin/v1/whoami', call: AdminCall = {}): Promise<Reply> =>
    callAdminApi(port(), path, { ...tls, ...brokerAnchor() }, call);

  const authority = (): Credential => ({
    certificate: read('london/admins/ca.pem'),
    key: read('london/offline/admins-ca.key.pem'),
  });
  const material = ({ certificate, key }: Credential): TlsMaterial => ({ cert: certificate, key });
  const leaf = async (change: object = {}, by = authority()): Promise<TlsMaterial> => {
    const request = { commonName: 'admin', uri: OFFICER, usage: 'client', ...leafValidity(now) } as const;
    return material(await issueLeaf(by, { ...request, ...change }));
  };
  const signed = async (names: { uris?: string[] }, by = authority()): Promise<TlsMaterial> => {
    const profile = { commonName: 'admin', usage: 'client', authority: false } as const;
    return material(await signCertificate({ ...profile, ...names, ...leafValidity(now) }, by));
  };

  const ROLES = {
    'officer-1': 'security-officer',
    'officer-2': 'security-officer',
    'operator-1': 'operator',
  };
  for (const [id, role] of Object.entries(ROLES)) {
    it(`${id} is, as ${role}`, async () => {
      const { status, body, headers } = await ask(clientIn(file('london/admins', id)));
      const { name, ...rest } = body as unknown as Record<string, string>;
      assert.deepEqual([status, rest], [200, { id, role, region: 'london' }]);
      assert.ok(name);
      assert.equal(headers['cache-control'], 'no-store');
      assert.match(String(headers['content-type']), /^application\/json/);
    });
  }

  it('gives an admin the status that the plain listener gives', async () => {
    const { status, body } = await ask(officer(), '/admin/v1/status');
    assert.equal(status, 200);
    const plain = await plainStatus();
    for (const name of ['region', 'entity', 'started', 'ready', 'store', 'certificates'])
      assert.deepEqual((body as unknown as Record<string, unknown>)[name], plain[name], name);
    assert.deepEqual(Object.keys(body).sort(), Object.keys(plain).sort());
  });

  describe('gets no connection, and that is counted by what was wrong', () => {
    const UNKNOWN = 'UNABLE_TO_VERIFY_LEAF_SIGNATURE';
    const cases: readonly [what: string, tls: () => TlsMaterial | Promise<TlsMaterial>, code: string][] = [
      ['no certificate', () => ({}), 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE'],
      ['another region’s admin', () => clientIn(file('essex-suffolk/admins/officer-1')), UNKNOWN],
      ['a viewer’s certificate', () => clientIn(file('london/viewers/london-viewer')), UNKNOWN],
      [
        'the broker’s own client certificate',
        () => ({
          cert: read('london/public/tls-client.pem'),
          key: read('london/private/tls-client.key.pem'),
        }),
        // OpenSSL sends what it trusts along: its own authority.
        'SELF_SIGNED_CERT_IN_CHAIN',
      ],
      ['an admin’s certificate after it expired', () => leaf(pastValidity(now)), 'CERT_HAS_EXPIRED'],
      [
        'one from an authority with the name of the real one',
        async () => {
          const name = 'Wayleave development admins CA: london';
          const { notBefore, notAfter } = leafValidity(now);
          const same = await issueAuthority({
            name,
            notBefore,
            notAfter: new Date(notAfter.getTime() + DAY),
          });
          return leaf({}, same);
        },
        UNKNOWN,
      ],
      ['one for servers', () => leaf({ usage: 'server' }), 'INVALID_PURPOSE'],
      [
        'one that an admin’s own certificate issued',
        async () => {
          const issuer = { certificate: officer().cert ?? '', key: officer().key ?? '' };
          const { cert, key } = await signed({ uris: [OFFICER] }, issuer);
          return { cert: `${cert}${issuer.certificate}`, key };
        },
        'certificate-chain',
      ],
      [
        'TLS 1.2',
        () => ({ ...officer(), minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' }),
        'ERR_SSL_UNSUPPORTED_PROTOCOL',
      ],
    ];
    for (const [what, make, code] of cases) {
      it(what, async () => {
        const tls = await make();
        await countsOne(`admin_api-${code}`, () => assert.rejects(ask(tls)));
      });
    }
  });

  describe('of the right authority, and yet nobody: 403, and counted', () => {
    const cases: readonly [what: string, tls: () => Promise<TlsMaterial>, code?: string][] = [
      ['a name that no admin has', () => leaf({ uri: `${LONDON}/admins/officer-3` })],
      ['a name that only begins like an admin’s', () => leaf({ uri: `${OFFICER}0` })],
      ['the region’s own name', () => leaf({ uri: LONDON })],
      ['a viewer’s name', () => leaf({ uri: `${LONDON}/viewers/london-viewer` })],
      [
        'two names, the right one first',
        () => signed({ uris: [OFFICER, `${LONDON}/admins/operator-1`] }),
        'certificate-name',
      ],
      ['two names, the right one last', () => signed({ uris: [LONDON, OFFICER] }), 'certificate-name'],
      ['no name', () => signed({ uris: [] }), 'certificate-name'],
    ];
    for (const [what, make, code = 'certificate-unknown'] of cases) {
      it(what, async () => {
        const tls = await make();
        await countsOne(`admin_api-${code}`, async () => {
          for (const path of ['/admin/v1/whoami', '/admin/v1/nothing', '/']) {
            const { status, body } = await ask(tls, path);
            assert.deepEqual([status, errorCode(body)], [403, code], path);
          }
        });
      });
    }
  });

  it('is judged on every request, not once per connection', async () => {
    const agent = new https.Agent({ ...officer(), keepAlive: true });
    const first = await ask({}, '/admin/v1/whoami', { agent });
    ahead = 400 * DAY;
    const second = await ask({}, '/admin/v1/whoami', { agent });
    agent.destroy();
    assert.equal(first.status, 200);
    assert.deepEqual([second.status, errorCode(second.body)], [403, 'certificate-expired']);
    assert.equal(second.headers['local-port'], first.headers['local-port']);
    assert.equal(issuesOf(second.body).length, 1);
  });

  it('is shown on every connection: none resumes another', async () => {
    const agent = new https.Agent({ ...officer(), keepAlive: false });
    const reused = async (): Promise<[string | undefined, boolean]> => {
      const { headers } = await ask({}, '/admin/v1/whoami', { agent });
      return [headers['local-port'] as string, headers['session-reused'] === 'true'];
    };
    const [first, second] = [await reused(), await reused()];
    agent.destroy();
    assert.notEqual(first[0], second[0]);
    assert.deepEqual([first[1], second[1]], [false, false]);
  });

  // Last of all: blocks come after the tests beside them.
  describe('at the end', () => {
    it('answers while the store is closed, when nothing else does', async () => {
      const beside = await openStore(federation.config('london'));
      await beside.state.close({ since: Date.now(), why: 'behind', detail: '{}' });
      await beside.close();
      const closed = await soon(async () => {
        const { status, body } = await ask(officer(), '/admin/v1/status');
        assert.equal(status, 200);
        const told = body as unknown as { ready: boolean; closed?: { why: string } };
        return told.closed === undefined ? undefined : told;
      });
      assert.deepEqual([closed.ready, closed.closed?.why], [false, 'behind']);
      assert.equal((await ask(officer())).status, 200);
      const unknown = await ask(await leaf({ uri: `${OFFICER}0` }));
      assert.deepEqual([unknown.status, errorCode(unknown.body)], [403, 'certificate-unknown']);
    });

    it('is logged by code alone: no name, no number, no certificate', () => {
      const about = federation.logged.filter((line) => line.includes('admin_api'));
      assert.ok(about.length > 0);
      for (const line of about) assert.doesNotMatch(line, /officer|admins\/|BEGIN|https:/);
    });
  });

  /** The count is on the disk a moment after the connection is closed. */
  async function countsOne(code: string, knock: () => Promise<unknown>): Promise<void> {
    const count = async (): Promise<number> => (await refusalCounts(federation, 'london'))[code] ?? 0;
    const before = await count();
    await knock();
    await soon(async () => (await count()) > before || undefined);
  }

  function plainStatus(): Promise<Record<string, unknown>> {
    const url = `http://127.0.0.1:${federation.broker('london').ports.admin}/status`;
    return fetch(url).then((response) => response.json() as Promise<Record<string, unknown>>);
  }
});

describe('a broker without admins', () => {
  it('has no admin API', async () => {
    const federation = await startFederation({
      data: smallData(),
      regions: ['london'],
      edit: (_region, config) => {
        delete config['admins'];
        delete (config['listeners'] as Record<string, unknown>)['admin_api'];
      },
    });
    const { ports } = federation.broker('london');
    await federation.stop();
    assert.equal(ports.admin_api, undefined);
    assert.ok(ports.viewer > 0);
  });
});
