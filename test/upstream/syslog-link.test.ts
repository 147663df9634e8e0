import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import type { SecureVersion } from 'node:tls';

import { hostNames } from '../../certs-dev/make-region.ts';
import { authorityValidity, leafValidity, pastValidity } from '../../certs-dev/validity.ts';
import type { ConfiguredSyslogStream } from '../../src/config/audit-streams.ts';
import { DeliveryError } from '../../src/errors.ts';
import { signCertificate } from '../../src/trust/certificate.ts';
import { issueAuthority, issueLeaf, type Credential } from '../../src/trust/issue.ts';
import { SyslogLink } from '../../src/upstream/syslog-link.ts';
import { SyslogReceiver, type Manner } from '../support/syslog-receiver.ts';

const NOW = new Date();
const URI = 'https://siem.example';
const message = (nth: number, more = ''): Buffer => Buffer.from(`<110>1 - - - - - - n° ${nth}${more}`);
/** More than a program reads at once, and less than its system takes for it. */
const SOME = [message(1), message(2, 'x'.repeat(400_000))];
/** More than the buffers of both ends take, so that a receiver that reads nothing is felt. */
const LARGE = Array.from({ length: 400 }, (_, nth) => message(nth, 'x'.repeat(60_000)));

/** At most that version; security level 0 lets an old one be offered at all. */
function versioned(maxVersion: SecureVersion): object {
  return { minVersion: 'TLSv1', maxVersion, ciphers: 'DEFAULT@SECLEVEL=0' };
}

describe('a syslog receiver over TLS', () => {
  let authority: Credential;
  let other: Credential;
  let own: Credential;
  let receiver: SyslogReceiver;
  before(async () => {
    [authority, other] = (await Promise.all(
      ['Siem authority', 'Another authority'].map((name) =>
        issueAuthority({ name, ...authorityValidity(NOW) }),
      ),
    )) as [Credential, Credential];
    own = await leaf(authority, 'client');
  });
  beforeEach(async () => (receiver = await SyslogReceiver.start(await serverLeaf())));
  afterEach(() => receiver.stop());

  let known: Promise<Credential> | undefined;
  const serverLeaf = (): Promise<Credential> => (known ??= leaf(authority, 'server'));
  function leaf(by: Credential, usage: 'server' | 'client', change: object = {}): Promise<Credential> {
    return issueLeaf(by, {
      commonName: usage,
      uri: URI,
      usage,
      ...hostNames(usage),
      ...leafValidity(NOW),
      ...change,
    });
  }
  function linkTo({ port }: SyslogReceiver, change: Partial<ConfiguredSyslogStream> = {}): SyslogLink {
    return new SyslogLink({
      ...{
        kind: 'syslog',
        id: 'siem',
        host: '127.0.0.1',
        port,
        name: 'localhost',
        anchors: authority.certificate,
      },
      ...{ own: undefined, batch: 100, messageBytes: 8192, enterprise: 32473, timeoutMs: 3_000 },
      ...change,
    });
  }
  const failsAs =
    (code: string, detail?: string | RegExp) =>
    (error: unknown): boolean => {
      assert.ok(error instanceof DeliveryError, String(error));
      assert.equal(error.code, code);
      if (detail instanceof RegExp) assert.match(error.detail ?? '', detail);
      else if (detail !== undefined) assert.equal(error.detail, detail);
      return true;
    };

  it('is given each message with its length in bytes before it, and believed when it ends in order', async () => {
    const sent = [message(1), message(2, 'é'.repeat(5_000)), message(3)];
    const link = linkTo(receiver);
    await link.send(sent.slice(0, 2));
    await link.send(sent.slice(2));
    assert.deepEqual(receiver.messages('ended'), sent);
    const [first] = receiver.connections;
    const bytes = Buffer.concat(first?.bytes ?? []).toString('utf8');
    assert.ok(
      bytes.startsWith(`${sent[0]?.length} <110>1 - - - - - - n° 1${sent[1]?.length} <110>`),
      bytes.slice(0, 60),
    );
    assert.deepEqual(
      receiver.connections.map(({ protocol }) => protocol),
      ['TLSv1.3', 'TLSv1.3'],
    );
  });

  it('is given more than the buffers of both ends hold', async () => {
    await linkTo(receiver, { timeoutMs: 30_000 }).send(LARGE);
    assert.deepEqual(receiver.messages('ended'), LARGE);
  });

  const UNCONFIRMED: Partial<Record<Manner, [code: string, detail: string | undefined]>> = {
    reset: ['lost-connection', undefined],
    gone: ['lost-connection', 'unconfirmed'],
    early: ['lost-connection', 'ended-early'],
    unread: ['lost-connection', undefined],
    endless: ['timeout', undefined],
  };
  for (const maxVersion of ['TLSv1.3', 'TLSv1.2'] as const) {
    it(`is believed when it ends in order with ${maxVersion}`, async () => {
      const one = await SyslogReceiver.start(await serverLeaf(), versioned(maxVersion));
      await linkTo(one).send([message(1)]);
      assert.deepEqual(one.messages('ended'), [message(1)]);
      assert.equal(one.connections[0]?.protocol, maxVersion);
      await one.stop();
    });
    for (const [manner, [code, detail]] of Object.entries(UNCONFIRMED)) {
      it(`is not believed with ${maxVersion} when it is ${manner}`, async () => {
        const one = await SyslogReceiver.start(await serverLeaf(), versioned(maxVersion));
        one.manner = manner as Manner;
        const link = linkTo(one, { timeoutMs: manner === 'endless' ? 1_000 : 10_000 });
        await assert.rejects(link.send(manner === 'early' ? LARGE : SOME), failsAs(code, detail));
        // The same link, and the same batch, once the receiver is well.
        one.manner = 'orderly';
        await link.send(SOME);
        assert.deepEqual(one.messages('ended').slice(-SOME.length), SOME);
        await one.stop();
      });
    }
  }

  it('is not believed when it ends by itself while the last bytes travel', async () => {
    receiver.manner = 'hasty';
    const codes: unknown[] = [];
    // That end has a moment to arrive; a machine that stands still for so long is no fault.
    for (let attempt = 0; attempt < 3; attempt += 1)
      await linkTo(receiver)
        .send([message(1)])
        .catch((error: DeliveryError) => codes.push(error.detail));
    assert.ok(codes.includes('ended-early'));
  });

  it('that reads nothing is given up after the time for one batch', async () => {
    receiver.manner = 'deaf';
    await assert.rejects(linkTo(receiver, { timeoutMs: 500 }).send(LARGE), failsAs('timeout'));
  });

  it('that is not there is refused-connection', async () => {
    const { port } = receiver;
    await assert.rejects(
      linkTo({ port: port === 1 ? 2 : 1 } as SyslogReceiver).send([message(1)]),
      failsAs('refused-connection'),
    );
  });

  it('that hangs is let go of at once when the link is closed', async () => {
    receiver.manner = 'endless';
    const link = linkTo(receiver, { timeoutMs: 60_000 });
    const sending = link.send([message(1)]);
    sending.catch(() => undefined);
    await pause(200);
    link.close();
    await assert.rejects(sending, failsAs('cancelled'));
    await assert.rejects(link.send([message(1)]), failsAs('cancelled'));
  });

  const IMPOSTORS: Record<string, [make: () => Promise<Credential>, code: RegExp]> = {
    'of another authority': [() => leaf(other, 'server'), /UNABLE_TO/],
    'that has expired': [() => leaf(authority, 'server', pastValidity(NOW)), /EXPIRED/],
    'for clients': [() => leaf(authority, 'client', hostNames('server')), /INVALID_PURPOSE/],
    'of another name': [() => leaf(authority, 'server', { dns: ['elsewhere.example'] }), /ALTNAME/],
    'that has its name as a common name alone': [
      () => leaf(authority, 'server', { commonName: 'localhost', dns: [], ip: [] }),
      /ALTNAME/,
    ],
    'that it signed itself': [
      () =>
        signCertificate({
          ...{ commonName: 'localhost', authority: false, usage: 'server', dns: ['localhost'] },
          ...leafValidity(NOW),
        }),
      /SELF_SIGNED/,
    ],
  };
  for (const [what, [make, code]] of Object.entries(IMPOSTORS)) {
    it(`is given nothing behind a certificate ${what}`, async () => {
      const impostor = await SyslogReceiver.start(await make());
      await assert.rejects(linkTo(impostor).send([message(1)]), failsAs('tls-failed', code));
      assert.ok(impostor.knocks > 0);
      assert.deepEqual(impostor.messages(), []);
      await impostor.stop();
    });
  }

  it('is given nothing, whatever the environment says of verification', async () => {
    const impostor = await SyslogReceiver.start(await leaf(other, 'server'));
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
    try {
      await assert.rejects(linkTo(impostor).send([message(1)]), failsAs('tls-failed'));
    } finally {
      delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
      await impostor.stop();
    }
    assert.deepEqual(impostor.messages(), []);
  });

  it('that speaks TLS 1.1 at most is given nothing', async () => {
    const old = await SyslogReceiver.start(await serverLeaf(), versioned('TLSv1.1'));
    await assert.rejects(linkTo(old).send([message(1)]), failsAs('tls-failed'));
    assert.deepEqual(old.messages(), []);
    await old.stop();
  });

  it('that wants to know who we are is shown our certificate, and confirms nothing without it', async () => {
    const asking = await SyslogReceiver.start(await serverLeaf(), {
      ...{ ca: authority.certificate, requestCert: true, rejectUnauthorized: true },
    });
    await assert.rejects(linkTo(asking, { timeoutMs: 1_000 }).send([message(1)]), DeliveryError);
    await assert.rejects(
      linkTo(asking, { own: await leaf(other, 'client') }).send([message(1)]),
      DeliveryError,
    );
    await linkTo(asking, { own }).send([message(2)]);
    assert.deepEqual(asking.messages('ended').at(-1), message(2));
    await asking.stop();
  });
});
