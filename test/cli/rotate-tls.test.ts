import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { BrokerMetadata } from '../../src/trust/entity-statement.ts';
import type { TlsRole } from '../../src/trust/key-pair-files.ts';
import { thumbprintOf } from '../../src/trust/peer-certificate.ts';
import { issue, type Issued } from '../support/certificates.ts';
import { until } from '../support/until.ts';
import { HWE, LONDON, Rotating } from './rotating.ts';

describe('wayleave trust rotate tls', () => {
  let london: Rotating;
  const fresh = issue({ name: 'New authority', ca: true });
  beforeEach(async () => (london = await Rotating.start()));
  afterEach(() => london.stop());

  interface Status {
    readonly statement: { readonly authorities: readonly { readonly usedBy: readonly string[] }[] };
    readonly certificates: readonly { readonly nextKey: boolean; readonly formerPair: boolean }[];
    readonly neighbours: readonly { readonly ready: boolean }[];
  }
  const status = async (): Promise<Status> => (await london.done('tls', '')) as unknown as Status;
  const usedBy = async () => (await status()).statement.authorities.map((one) => one.usedBy);

  function file(name: string, text: string): string {
    const path = london.fresh(name);
    writeFileSync(path, text);
    return path;
  }

  /** London's own authority, as it has it where its federation key is. */
  function present(): Issued {
    const [pem, keyPem] = [london.read('public/ca.pem'), london.read('offline/ca.key.pem')];
    return { pem, keyPem, certificate: new X509Certificate(pem), key: createPrivateKey(keyPem) };
  }

  /** What an authority sends back for the key that waits: here the test plays it. */
  function certified(role: TlsRole, authority: Issued, keyFile: string, uri?: string): string {
    const { entity } = london.federation.config(LONDON);
    const key = createPrivateKey(readFileSync(keyFile));
    const hosts = role === 'server' ? { dns: ['localhost'], ips: ['127.0.0.1'] } : {};
    const names = { uris: [uri ?? entity], ...hosts };
    const leaf = issue({ name: `london ${role}`, ...names, usage: role, key }, authority);
    return file(`${role}.pem`, leaf.pem + authority.pem);
  }

  async function asked(role: TlsRole): Promise<string> {
    const { key, names } = await london.done('tls', 'prepare', '--for', role, '--tls-key', 'ec');
    assert.deepEqual(names, role === 'server' ? ['localhost', '127.0.0.1'] : []);
    return key ?? assert.fail();
  }

  /** The running broker uses both certificates that are in place now. */
  async function taken(): Promise<void> {
    for (const role of ['server', 'client']) {
      const thumbprint = thumbprintOf(new X509Certificate(london.read(`public/tls-${role}.pem`)));
      const isTold = (line: string): boolean => line.includes(thumbprint) && line.includes('read anew');
      await until(() => london.federation.logged.some(isTold), role);
    }
  }

  /** A statement that lists old and new, which every neighbour has approved. */
  async function bothListed(): Promise<void> {
    const claims = london.fresh('claims.json');
    await london.done('tls', 'prepare', '--anchor', file('new.pem', fresh.pem), '--out', claims);
    await london.signed(claims);
    assert.equal(await london.seen(), 'pending');
    await london.approved();
  }

  function anchorsIn(claims: string): number {
    return (JSON.parse(readFileSync(claims, 'utf8')) as BrokerMetadata).tls.anchors.length;
  }

  it('moves from one authority to another by commands, and every query on the way is answered', async () => {
    const anchor = file('new.pem', fresh.pem);
    const old = present().certificate.fingerprint256;
    assert.deepEqual(await usedBy(), [['server', 'client']]);
    const claims = london.fresh('claims.json');
    await london.done('tls', 'prepare', '--anchor', anchor, '--out', claims);
    assert.equal(anchorsIn(claims), 2);
    const chains = new Map<TlsRole, string>();
    for (const role of ['server', 'client'] as const)
      chains.set(role, certified(role, fresh, await asked(role)));
    const activate = (role: TlsRole): string[] => [chains.get(role) ?? '', '--for', role];

    // The statement in place does not list it yet.
    await london.refused(1, 'tls', 'activate', ...activate('server'));
    await london.signed(claims);
    await london.refused(1, 'tls', 'prepare', '--anchor', anchor, '--out', london.fresh('claims.json'));
    // It waits for an officer of the neighbour's.
    assert.equal(await london.seen(), 'pending');
    for (const role of ['server', 'client'] as const) {
      const { neighbours } = await london.refused(3, 'tls', 'activate', ...activate(role));
      assert.equal(neighbours?.[0]?.ready, false);
    }
    await london.approved();
    await london.bothAnswer();
    assert.deepEqual(await usedBy(), [['server', 'client'], []]);

    await london.done('tls', 'activate', ...activate('server'));
    const retire = ['--anchor', old, '--out', london.fresh('claims.json')];
    await london.refused(3, 'tls', 'retire', ...retire);
    await london.done('tls', 'activate', ...activate('client'));
    assert.deepEqual(await usedBy(), [[], ['server', 'client']]);
    const { certificates } = await status();
    assert.deepEqual(
      certificates.map(({ nextKey, formerPair }) => [nextKey, formerPair]),
      [
        [false, true],
        [false, true],
      ],
    );
    // Those who look at us pin the new authority as well, as an admin of theirs does.
    const viewer = london.federation.config(LONDON).viewers[0]?.id ?? '';
    appendFileSync(join(london.keys, 'viewers', viewer, 'broker-ca.pem'), fresh.pem);
    await taken();
    await london.bothAnswer();

    assert.deepEqual((await london.done('tls', 'retire', ...retire)).notAsked, []);
    const without = retire.at(-1) ?? '';
    assert.equal(anchorsIn(without), 1);
    await london.signed(without);
    assert.equal(await london.seen(), 'pending');
    await london.approved();
    assert.equal(london.londonAtHwe().pinned.anchors.length, 1);
    await london.bothAnswer();
    // It is retired: there is nothing more of it to leave out, and the one that is left stays.
    await london.refused(1, 'tls', 'retire', '--anchor', old, '--out', london.fresh('claims.json'));
    await london.refused(1, 'tls', 'retire', '--anchor', anchor, '--out', london.fresh('claims.json'));
  });

  it('a new key under the same authority needs no statement', async () => {
    const { sequence } = london.broker();
    for (const role of ['server', 'client'] as const) {
      const chain = certified(role, present(), await asked(role));
      await london.refused(1, 'tls', 'prepare', '--for', role);
      await london.done('tls', 'activate', chain, '--for', role);
    }
    assert.equal(london.broker().sequence, sequence);
    await taken();
    await london.bothAnswer();
  });

  it('tries a client certificate at each neighbour before it is used', async () => {
    const chain = certified('client', present(), await asked('client'));
    const thumbprint = thumbprintOf(new X509Certificate(readFileSync(chain)));
    const desk = london.federation.broker(HWE).trust;
    const said = { by: 'officer-1', why: 'a test' };
    const what = { kind: 'certificate', thumbprint } as const;
    await desk.revoke(LONDON, what, { reason: 'superseded' }, said);
    const { neighbours } = await london.refused(3, 'tls', 'activate', chain, '--for', 'client');
    assert.deepEqual(
      neighbours?.map(({ region, step }) => [region, step]),
      [[HWE, 'accepted']],
    );
    const { leftBehind } = await london.done('tls', 'activate', chain, '--for', 'client', '--without', HWE);
    assert.deepEqual(leftBehind, [HWE]);
  });

  it('does not activate while a neighbour is down, unless it is left behind by name', async () => {
    const chain = certified('server', present(), await asked('server'));
    await london.federation.stopBroker(HWE);
    const { neighbours } = await london.refused(3, 'tls', 'activate', chain, '--for', 'server');
    assert.deepEqual(
      neighbours?.map(({ code }) => code),
      ['ECONNREFUSED'],
    );
    await london.refused(2, 'tls', 'activate', chain, '--for', 'server', '--without', 'atlantis');
    await london.done('tls', 'activate', chain, '--for', 'server', '--without', HWE);
  });

  it('refuses what no neighbour would take, and asks none of them', async () => {
    const key = await asked('server');
    const foreign = certified('server', present(), key, 'https://other.example');
    const stranger = certified('server', issue({ name: 'Stranger', ca: true }), key);
    const good = certified('server', present(), key);
    await london.federation.stopBroker(HWE);
    await london.refused(1, 'tls', 'activate', foreign, '--for', 'server');
    await london.refused(1, 'tls', 'activate', stranger, '--for', 'server');
    await london.refused(1, 'tls', 'activate', good, '--for', 'client');
    await london.refused(2, 'tls', 'activate', good);
    await london.refused(2, 'tls', 'activate', '--for', 'server');
  });

  it('refuses an authority that none could rely on, and more than a statement may list', async () => {
    const out = london.fresh('claims.json');
    const ended = issue({ name: 'Ended', ca: true, notAfter: new Date(Date.now() - 60_000) });
    const leaf = issue({ name: 'Leaf', usage: 'server' }, fresh);
    await london.refused(1, 'tls', 'prepare', '--anchor', file('ended.pem', ended.pem), '--out', out);
    await london.refused(2, 'tls', 'prepare', '--anchor', file('leaf.pem', leaf.pem), '--out', out);
    const many = ['A', 'B', 'C', 'D'].flatMap((name) => [
      '--anchor',
      file(`${name}.pem`, issue({ name, ca: true }).pem),
    ]);
    await london.refused(1, 'tls', 'prepare', ...many, '--out', out);
    await london.refused(2, 'tls', 'prepare', '--anchor', file('new.pem', fresh.pem));
    await london.refused(2, 'tls', 'prepare');
    await london.refused(1, 'tls', 'retire', '--anchor', 'ab:cd', '--out', out);
    await london.refused(2, 'tls', 'retire', '--out', out);
    // The only one.
    await london.refused(1, 'tls', 'retire', '--anchor', london.path('public/ca.pem'), '--out', out);
    assert.ok(!existsSync(out));
  });

  it('takes an authority out again that was never used, by its file', async () => {
    await bothListed();
    const out = london.fresh('claims.json');
    await london.done('tls', 'retire', '--anchor', file('new.pem', fresh.pem), '--out', out);
    assert.equal(anchorsIn(out), 1);
    await london.federation.stopBroker(LONDON);
    const again = ['--anchor', file('new.pem', fresh.pem), '--out', london.fresh('claims.json')];
    assert.equal((await london.done('tls', 'retire', ...again)).notAsked?.length, 1);
  });

  it('has help that tells each step and --json', async () => {
    for (const step of ['status', 'prepare', 'activate', 'retire']) {
      const { code, out } = await london.trust('rotate', 'tls', step, '--help');
      assert.equal(code, 0);
      assert.match(out, /--json/, step);
    }
  });
});
