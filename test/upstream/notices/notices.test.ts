import assert from 'node:assert/strict';
import { createHmac, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import http, { type IncomingHttpHeaders } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';

import { authorityValidity, leafValidity } from '../../../certs-dev/validity.ts';
import { startDeadline } from '../../../src/deadline.ts';
import { DeliveryError } from '../../../src/errors.ts';
import { issueAuthority, issueLeaf, type Credential } from '../../../src/trust/issue.ts';
import { Email } from '../../../src/upstream/notices/email.ts';
import type { Channel, Notice } from '../../../src/upstream/notices/notice.ts';
import { Outbox } from '../../../src/upstream/notices/outbox.ts';
import { Webhook } from '../../../src/upstream/notices/webhook.ts';
import { freePort } from '../../support/free-ports.ts';
import { until } from '../../support/until.ts';

const PASSWORD = 'a-password-of-the-test';
const ADDRESSES = { from: 'wayleave@london.example', to: ['admins@london.example', 'night@london.example'] };

function notice(name = 'own server'): Notice {
  const ours = { whose: 'ours', kind: 'certificate', region: 'london' } as const;
  const ends = { ...ours, name, validUntil: '2026-11-29T00:00:00.000Z' };
  return {
    ...{ id: randomUUID(), region: 'london', at: '2026-11-23T10:00:00.000Z' },
    ends: [
      { ...ends, daysLeft: 5, level: '7' },
      { ...ends, name: 'essex statement', daysLeft: -1, level: 'ended' },
    ],
  };
}

async function delivered(channel: Channel, sent = notice()): Promise<void> {
  using deadline = startDeadline(5_000);
  try {
    await channel.deliver(sent, deadline);
  } finally {
    channel.close();
  }
}

describe('notices of what ends', () => {
  let authority: Credential;
  let server: Credential;

  before(async () => {
    authority = await issueAuthority({ name: 'mail', ...authorityValidity(new Date()) });
    const names = { uri: 'https://mail.example', dns: ['localhost'], ip: ['127.0.0.1'] };
    const leaf = { commonName: 'mail', usage: 'server', ...names, ...leafValidity(new Date()) } as const;
    server = await issueLeaf(authority, leaf);
  });

  describe('by e-mail', () => {
    interface Mail {
      readonly to: string[];
      readonly text: string;
      readonly secure: boolean;
      readonly user: string | undefined;
    }
    let mails: Mail[];
    let smtp: SMTPServer | undefined;
    beforeEach(() => (mails = []));
    afterEach(async () => {
      const closing = smtp;
      smtp = undefined;
      if (closing !== undefined) await new Promise<void>((done) => closing.close(() => done()));
    });

    async function listen(options: SMTPServerOptions): Promise<number> {
      smtp = new SMTPServer({
        ...{ logger: false, cert: server.certificate, key: server.key, authOptional: true },
        onAuth: ({ username, password }, _session, done) =>
          done(password === PASSWORD ? null : new Error(`no ${password}`), { user: username }),
        onData: (stream, session, done) => {
          const chunks: Buffer[] = [];
          stream.on('data', (chunk: Buffer) => chunks.push(chunk));
          stream.on('end', () => {
            const to = session.envelope.rcptTo.map(({ address }) => address);
            const { secure } = session;
            const user = session.user as string | undefined;
            mails.push({
              to,
              text: Buffer.concat(chunks).toString(),
              secure,
              user: user,
            });
            done();
          });
        },
        ...options,
      });
      smtp.on('error', () => undefined);
      smtp.listen(0, '127.0.0.1');
      await once(smtp.server, 'listening');
      return (smtp.server.address() as AddressInfo).port;
    }

    it('to each address, with what ends and when, and a way to see all of it', async () => {
      const port = await listen({ disabledCommands: ['STARTTLS', 'AUTH'] });
      await delivered(new Email({ ...ADDRESSES, host: '127.0.0.1', port, anchors: undefined }, undefined));
      const [mail] = mails;
      assert.deepEqual(mail?.to, ADDRESSES.to);
      assert.match(mail.text, /^Subject: Wayleave london: own server ends in 5 days, and 1 more\r$/m);
      assert.match(mail.text, /own server \(ours\) ends in 5 days: 2026-11-29T00:00:00\.000Z/);
      assert.match(mail.text, /essex statement \(ours\) has ended/);
    });

    it('over TLS, with a password, to a server whose certificate its authorities vouch for', async () => {
      const port = await listen({});
      // A name that is not known as this machine: there TLS is demanded.
      const settings = { ...ADDRESSES, host: 'LOCALHOST', port, user: 'london', password_env: 'X' };
      await delivered(new Email({ ...settings, anchors: authority.certificate }, PASSWORD));
      assert.deepEqual(
        mails.map(({ secure, user }) => [secure, user]),
        [[true, 'london']],
      );
    });

    const refused: readonly [
      name: string,
      SMTPServerOptions,
      anchors: boolean,
      password: string,
      code: RegExp,
    ][] = [
      ['without STARTTLS', { disabledCommands: ['STARTTLS'] }, true, PASSWORD, /^tls-failed$/],
      ['whose certificate nobody vouches for', {}, false, PASSWORD, /^tls-failed$/],
      ['that does not take the password', {}, true, 'another-password', /^peer-refused$/],
    ];
    for (const [name, options, withAnchors, password, code] of refused) {
      it(`not to a server ${name}: and the error quotes nothing`, async () => {
        const port = await listen(options);
        const settings = { ...ADDRESSES, host: 'LOCALHOST', port, user: 'london', password_env: 'X' };
        const anchors = withAnchors ? authority.certificate : undefined;
        const error = await failure(new Email({ ...settings, anchors }, password));
        assert.match(error.code, code);
        assert.doesNotMatch(`${error.stack} ${String(error.cause)}`, /password|london\.example/);
        assert.deepEqual(mails, []);
      });
    }

    it('not where nothing listens', async () => {
      const settings = { ...ADDRESSES, host: '127.0.0.1', port: await freePort(), anchors: undefined };
      assert.equal((await failure(new Email(settings, undefined))).code, 'refused-connection');
    });
  });

  describe('by webhook', () => {
    interface Post {
      readonly headers: IncomingHttpHeaders;
      readonly body: string;
    }
    let posts: Post[];
    let status: number;
    let receiver: http.Server | https.Server | undefined;
    beforeEach(() => {
      posts = [];
      status = 204;
    });
    afterEach(() => {
      receiver?.closeAllConnections();
      receiver?.close();
    });

    async function listen(tls = false): Promise<string> {
      const take: http.RequestListener = (request, response) => {
        const chunks: Buffer[] = [];
        request.on('data', (chunk: Buffer) => chunks.push(chunk));
        request.on('end', () => {
          posts.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
          response.writeHead(status, { Location: '/elsewhere' }).end();
        });
      };
      receiver = tls
        ? https.createServer({ cert: server.certificate, key: server.key }, take)
        : http.createServer(take);
      await once(receiver.listen(0, '127.0.0.1'), 'listening');
      return `${tls ? 'https' : 'http'}://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
    }

    it('as JSON, with an HMAC of its bytes under the shared secret', async () => {
      const url = await listen(true);
      const sent = notice();
      await delivered(new Webhook({ url, anchors: authority.certificate }, 'shared'), sent);
      const [post] = posts;
      assert.deepEqual(JSON.parse(post?.body ?? ''), { type: 'expiry', ...sent });
      const digest = createHmac('sha256', 'shared')
        .update(post?.body ?? '')
        .digest('hex');
      assert.equal(post?.headers['wayleave-signature'], `sha256=${digest}`);
    });

    it('unsigned where no secret is named', async () => {
      await delivered(new Webhook({ url: await listen(), anchors: undefined }, undefined));
      assert.equal(posts[0]?.headers['wayleave-signature'], undefined);
    });

    it('not to a server whose certificate nobody vouches for', async () => {
      const error = await failure(new Webhook({ url: await listen(true), anchors: undefined }, 'shared'));
      assert.equal(error.code, 'tls-failed');
      assert.deepEqual(posts, []);
    });

    it('a status that is no receipt is a failure, a redirect too, and is not followed', async () => {
      for (status of [302, 400, 500]) {
        const url = await listen();
        assert.equal(
          (await failure(new Webhook({ url, anchors: undefined }, undefined))).code,
          'peer-refused',
        );
        receiver?.close();
      }
      assert.equal(posts.length, 3);
    });
  });

  describe('in an outbox', () => {
    class Scripted implements Channel {
      readonly name = 'webhook';
      readonly taken: string[] = [];
      fails = 0;
      hangs = false;
      letGo = false;
      tries = 0;

      async deliver({ ends }: Notice, deadline: { signal: AbortSignal }): Promise<void> {
        this.tries += 1;
        if (this.hangs) {
          await once(deadline.signal, 'abort');
          this.letGo = true;
        }
        if (this.fails > 0) {
          this.fails -= 1;
          throw new DeliveryError('timeout');
        }
        this.taken.push(ends[0]?.name ?? '');
      }

      close(): void {
        this.hangs = false;
      }
    }
    const lines: string[] = [];
    const write = (fields: object, message: string): void =>
      void lines.push(`${message} ${JSON.stringify(fields)}`);
    const log = { info: write, warn: write, error: write };
    const outbox = (channel: Channel, backOffMs = [1, 2]): Outbox =>
      new Outbox(channel, log, Date.now, backOffMs);

    it('they are delivered in order, each until it is taken', async () => {
      const channel = new Scripted();
      channel.fails = 4;
      const box = outbox(channel);
      for (const name of ['one', 'two', 'three']) box.send(notice(name));
      await until(() => channel.taken.length === 3);
      assert.deepEqual(channel.taken, ['one', 'two', 'three']);
      assert.equal(channel.tries, 7);
      const { waiting, fault, sent } = box.status();
      assert.deepEqual([waiting, fault], [0, undefined]);
      assert.match(sent ?? '', /^\d{4}-/);
      box.close();
    });

    it('waits longer after each failure, and says why in the status', async () => {
      const channel = new Scripted();
      channel.fails = 1;
      const box = outbox(channel, [60_000]);
      box.send(notice('one'));
      await until(() => box.status().fault !== undefined);
      box.send(notice('two'));
      await sleep(50);
      assert.deepEqual([channel.tries, channel.taken], [1, []]);
      assert.deepEqual(box.status(), { channel: 'webhook', waiting: 2, fault: 'timeout' });
      assert.match(lines.at(-1) ?? '', /notice not delivered .*timeout/);
      box.close();
    });

    it('sending waits for nobody, and keeps the newest of what waits', async () => {
      const channel = new Scripted();
      channel.hangs = true;
      const box = outbox(channel);
      for (let i = 0; i < 50; i += 1) box.send(notice(String(i)));
      assert.equal(box.status().waiting, 20);
      box.close();
    });

    it('what hangs is let go at the stop, and nothing is tried after it', async () => {
      const channel = new Scripted();
      channel.hangs = true;
      channel.fails = 1;
      const box = outbox(channel);
      box.send(notice('one'));
      box.send(notice('two'));
      box.close();
      await sleep(50);
      assert.deepEqual([channel.letGo, channel.tries, channel.taken], [true, 1, []]);
    });
  });
});

async function failure(channel: Channel): Promise<DeliveryError> {
  try {
    await delivered(channel);
  } catch (error) {
    assert.ok(error instanceof DeliveryError);
    return error;
  }
  throw new assert.AssertionError({ message: 'it was delivered' });
}
