import assert from 'node:assert/strict';
import http from 'node:http';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { authorityValidity } from '../../../certs-dev/validity.ts';
import { issueVariant, type Variant } from '../../../certs-dev/variants.ts';
import type { Config } from '../../../src/config/load.ts';
import { openSqliteStore } from '../../../src/store/sqlite/store.ts';
import { issueAuthority, type Credential } from '../../../src/trust/issue.ts';
import { STEPS, type Step } from '../../../src/upstream/check/step.ts';
import { until } from '../../support/until.ts';
import { CheckedLink, failures, HERTS, LONDON } from './checking.ts';

const TEN_MINUTES = 600_000;

describe('a link checked step by step', () => {
  let link: CheckedLink;
  before(async () => (link = await CheckedLink.start()));
  after(() => link.stop());

  it('holds in every step between two brokers in order, and says what it saw', async () => {
    const steps = await link.check();
    assert.deepEqual(
      steps.map(({ step, result }) => [step, result]),
      STEPS.map((step) => [step, 'held']),
    );
    const tls = steps.find(({ step }) => step === 'tls')?.detail;
    assert.deepEqual(
      [tls?.['version'], tls?.['group'], tls?.['postQuantum']],
      ['TLSv1.3', 'X25519MLKEM768', true],
    );
    const theirs = steps.find(({ step }) => step === 'certificate')?.detail;
    assert.deepEqual(theirs?.['uris'], [link.config(LONDON).entity]);
    assert.equal(theirs['subject'], 'CN=london TLS server');
    const { ours, theirs: known } = steps.find(({ step }) => step === 'own-statement')?.detail ?? {};
    assert.equal(ours, known);
    assert.doesNotMatch(JSON.stringify(steps), /eyJ|PRIVATE|-----BEGIN/);
  });

  it('leaves no trace of a patient, and no failure, in either log', async () => {
    const before = await link.federation.broker(LONDON).status();
    await link.check();
    const after = await link.federation.broker(LONDON).status();
    assert.deepEqual(after.destinations, before.destinations);
    assert.equal(after.pings[0]?.answered, (before.pings[0]?.answered ?? 0) + 1);
  });

  describe('their server certificate', () => {
    const cases: readonly [name: string, expected: RegExp, (link: CheckedLink) => Promise<Credential>][] = [
      ['expired', /^certificate certificate-/, variant('expired')],
      ['of another region', /^certificate certificate-/, variant('wrong-region')],
      [
        'of an unknown authority with the name of the real one',
        /^certificate certificate-/,
        variant('unknown-ca'),
      ],
      ['with two URI names', /^certificate certificate-/, variant('two-uris')],
      ['issued by a leaf', /^certificate certificate-/, variant('nested')],
      ['for clients only', /^certificate certificate-/, (link) => link.leaf(LONDON, 'client')],
      ["another region's own", /^certificate certificate-/, (link) => link.leaf(HERTS, 'server')],
    ];
    for (const [name, expected, credential] of cases) {
      it(name, async () => {
        await link.inPlace(link.standIn(await credential(link)), async () => {
          const steps = await link.check();
          const [only = '', ...more] = failures(steps);
          assert.match(only, expected);
          assert.match(only, / theirs$/);
          assert.deepEqual(more, []);
          // What was seen is told although it was refused, and nothing was sent to who that was.
          assert.notEqual(steps.find(({ step }) => step === 'certificate')?.detail['subject'], undefined);
          assert.equal(resultOf(steps, 'accepted'), 'skipped');
        });
      });
    }
  });

  describe('what listens at their address', () => {
    it('nothing', async () => {
      await link.federation.stopBroker(LONDON);
      try {
        assert.deepEqual(failures(await link.check()), ['tcp ECONNREFUSED theirs']);
      } finally {
        await link.federation.startBroker(LONDON);
      }
    });

    it('plain HTTP', async () => {
      const plain = http.createServer((_request, response) => void response.end());
      await link.inPlace(plain, async () => {
        assert.deepEqual(failures(await link.check()), ['tls no-tls theirs']);
      });
    });

    it('TLS 1.2 alone', async () => {
      const old = link.standIn(await link.leaf(LONDON, 'server'), {
        minVersion: 'TLSv1.2',
        maxVersion: 'TLSv1.2',
      });
      await link.inPlace(old, async () => {
        assert.deepEqual(failures(await link.check()), ['tls protocol_version theirs']);
      });
    });

    it('a listener with no group that we have', async () => {
      const odd = link.standIn(await link.leaf(LONDON, 'server'), { ecdhCurve: 'P-521' });
      await link.inPlace(odd, async () => {
        assert.deepEqual(failures(await link.check()), ['tls handshake_failure theirs']);
      });
    });

    it('a listener without the hybrid group is no fault, and is shown', async () => {
      const classic = link.standIn(await link.leaf(LONDON, 'server'), { ecdhCurve: 'P-256' });
      await link.inPlace(classic, async () => {
        const tls = (await link.check()).find(({ step }) => step === 'tls');
        assert.deepEqual(
          [tls?.result, tls?.detail['group'], tls?.detail['postQuantum']],
          ['held', 'prime256v1', false],
        );
      });
    });

    it('something that hangs up', async () => {
      await link.inPlace(createServer((socket) => socket.destroy()) as never, async () => {
        const [only = '', ...more] = failures(await link.check());
        assert.match(only, /^tls (closed|ECONNRESET) network$/);
        assert.deepEqual(more, []);
      });
    });

    it('something that says nothing', async () => {
      const open = new Set<{ destroy: () => void }>();
      const mute = createServer((socket) => void open.add(socket.on('error', () => undefined)));
      await link.inPlace(mute as never, async () => {
        assert.deepEqual(failures(await link.check({ config: hasty(link.config()) })), [
          'tls timeout network',
        ]);
        for (const socket of open) socket.destroy();
      });
    });

    it('a broker that takes the connection and does not answer', async () => {
      const mute = link.standIn(await link.leaf(LONDON, 'server'), {}, () => undefined);
      await link.inPlace(mute, async () => {
        const steps = await link.check({ config: hasty(link.config()) });
        assert.deepEqual(failures(steps), ['hello timeout theirs']);
        assert.equal(resultOf(steps, 'accepted'), 'skipped');
      });
    });

    it('a web server', async () => {
      const web = link.standIn(await link.leaf(LONDON, 'server'), {}, (_request, response) => {
        response.writeHead(404).end('<html>eyJ</html>');
      });
      await link.inPlace(web, async () => {
        assert.deepEqual(failures(await link.check()), ['hello status-404 theirs']);
      });
    });

    it('a broker without pings and logs', async () => {
      const old = link.standIn(await link.leaf(LONDON, 'server'), {}, (request, response) => {
        response.writeHead(request.url?.endsWith('/hello') ? 204 : 404).end();
      });
      await link.inPlace(old, async () => {
        assert.deepEqual(failures(await link.check()), [
          'own-statement status-404 theirs',
          'ping status-404 theirs',
        ]);
      });
    });

    it('a broker whose store is closed', async () => {
      const config = link.config(LONDON);
      const store = await openSqliteStore(config.store.slice('sqlite:'.length));
      await store.state.close({ since: Date.now(), why: 'restored', detail: '{}' });
      try {
        await until(async () => (await link.federation.broker(LONDON).status()).closed !== undefined);
        assert.deepEqual(failures(await link.check()), ['hello store-closed theirs']);
      } finally {
        await store.state.open(Date.now(), []);
        await until(async () => (await link.federation.broker(LONDON).status()).ready);
        // What was signed before the opening is not fresh: a second is as fine as `iat` is.
        await sleep(1_100);
        await store.close();
      }
    });
  });

  it('tells what they send above their certificate', async () => {
    const { certificate, key } = await link.leaf(LONDON, 'server');
    const chain = { certificate: certificate + link.authority(LONDON).certificate, key };
    await link.inPlace(link.standIn(chain), async () => {
      const theirs = (await link.check()).find(({ step }) => step === 'certificate');
      assert.deepEqual(theirs?.detail['chain'], ['CN=Wayleave development CA: london']);
    });
  });

  describe('our certificate, refused by them', () => {
    it('and by us, before it is tried', async () => {
      const context = { region: HERTS, authority: link.authority(HERTS), other: LONDON, now: new Date() };
      for (const name of [
        'expired',
        'unknown-ca',
        'wrong-region',
        'two-uris',
        'server-only-eku',
        'nested',
      ] as const) {
        const steps = await link.check({ client: await issueVariant(name, 'client', context) });
        const [own = '', accepted = '', ...more] = failures(steps);
        assert.match(own, /^own-certificate certificate-\S+ ours$/, name);
        assert.match(accepted, /^accepted (closed-without-alert|certificate-\S+) ours$/, name);
        assert.deepEqual(more, []);
      }
    });

    it('and not by us: they pin another authority for us', async () => {
      const { certificate } = await issueAuthority({ name: 'other', ...authorityValidity(new Date()) });
      const strict = link.standIn(await link.leaf(LONDON, 'server'), { ca: [certificate] });
      await link.inPlace(strict, async () => {
        assert.deepEqual(failures(await link.check()), ['accepted closed-without-alert theirs']);
      });
    });

    it('in words, after the handshake', async () => {
      const polite = link.standIn(await link.leaf(LONDON, 'server'), {}, (_request, response) => {
        const coding = [{ code: 'certificate-unknown' }];
        response.writeHead(403).end(JSON.stringify({ issue: [{ details: { coding } }] }));
      });
      await link.inPlace(polite, async () => {
        assert.deepEqual(failures(await link.check()), ['accepted certificate-unknown theirs']);
      });
    });

    it('a key that is not of the certificate is not tried', async () => {
      const { certificate } = await link.leaf(HERTS, 'client');
      const { key } = await link.leaf(HERTS, 'client');
      const steps = await link.check({ client: { certificate, key } });
      assert.deepEqual(failures(steps), ['own-certificate key-mismatch ours']);
      assert.deepEqual([resultOf(steps, 'tcp'), resultOf(steps, 'tls')], ['held', 'skipped']);
    });

    it('and a new one of the same authority is taken before it is in use', async () => {
      assert.deepEqual(failures(await link.check({ client: await link.leaf(HERTS, 'client') })), []);
    });
  });

  it('our server certificate in use, which neighbours will refuse, is ours to mend although this way is open', async () => {
    const context = { region: HERTS, authority: link.authority(HERTS), other: LONDON, now: new Date() };
    const steps = await link.check({ server: await issueVariant('expired', 'server', context) });
    assert.deepEqual(failures(steps), ['own-certificate certificate-expired ours']);
    assert.equal(steps.find(({ step }) => step === 'own-certificate')?.detail['certificate'], 'server');
    assert.equal(resultOf(steps, 'ping'), 'held');
  });

  describe('statements, keys and clocks', () => {
    // London may have read a statement that is gone again.
    afterEach(async () => {
      await link.federation.stopBroker(LONDON);
      await link.federation.startBroker(LONDON);
    });

    const next = ({ sequence }: { sequence: number }): { sequence: number } => ({ sequence: sequence + 1 });

    it('they know an older statement of ours: the link holds but for that', async () => {
      await link.withStatement(HERTS, next, async () => {
        assert.deepEqual(failures(await link.check()), ['own-statement sequence-behind theirs']);
      });
    });

    it('they know a later statement of ours than we', async () => {
      const old = link.config();
      await link.withStatement(HERTS, next, () =>
        link.withLondon(async () => {
          assert.deepEqual(failures(await link.check({ config: old })), [
            'own-statement sequence-ahead ours',
          ]);
        }),
      );
    });

    it('they do not know our message key, which our newest statement lists', async () => {
      await link.withMessageKey(HERTS, (key) =>
        link.withStatement(
          HERTS,
          (broker) => ({ ...next(broker), message_keys: [key] }),
          async () => {
            assert.deepEqual(failures(await link.check()), [
              'own-statement sequence-behind theirs',
              'ping unknown-kid theirs',
            ]);
          },
        ),
      );
    });

    it('they do not know our message key, though they say that they have our statement', async () => {
      await link.withMessageKey(HERTS, (key) =>
        link.withStatement(
          HERTS,
          () => ({ message_keys: [key] }),
          async () => {
            assert.deepEqual(failures(await link.check()), ['ping unknown-kid theirs']);
          },
        ),
      );
    });

    it('our own statement does not let our message key sign any more', async () => {
      const ended = Math.floor(Date.now() / 1000) - 60;
      const change = ({ message_keys: [key] }: { message_keys: readonly object[] }): object => ({
        message_keys: [{ ...key, exp: ended }],
      });
      await link.withStatement(HERTS, change, () =>
        link.withLondon(async () => {
          assert.deepEqual(failures(await link.check()), ['ping key-not-in-force ours']);
        }),
      );
    });

    it('we do not know their message key', async () => {
      const config = link.config();
      await link.withMessageKey(LONDON, (key) =>
        link.withStatement(
          LONDON,
          (broker) => ({ ...next(broker), message_keys: [key] }),
          () =>
            link.withLondon(async () => {
              assert.deepEqual(failures(await link.check({ config })), ['ping pong-unknown-kid ours']);
            }),
        ),
      );
    });

    it('their clock is ten minutes off, by the date of their answers', async () => {
      for (const ahead of [TEN_MINUTES, -TEN_MINUTES]) {
        const late = link.standIn(await link.leaf(LONDON, 'server'), {}, (_request, response) => {
          response.setHeader('Date', new Date(Date.now() + ahead).toUTCString());
          response.writeHead(204, { 'wayleave-statement': '1' }).end();
        });
        await link.inPlace(late, async () => {
          const steps = await link.check();
          assert.equal(failures(steps)[0], 'clock clock-differs theirs');
          assert.equal(resultOf(steps, 'ping'), 'skipped');
          const seconds = Number(steps.find(({ step }) => step === 'clock')?.detail['aheadSeconds']);
          assert.ok(Math.abs(seconds - ahead / 1000) <= 2, String(seconds));
        });
      }
    });

    it('their clock is ten minutes off where messages are judged', async () => {
      await link.withLondon(async () => {
        // Their refusal is signed by that clock too, and so is no more believed than our ping was.
        assert.deepEqual(failures(await link.check()), ['ping pong-not-fresh theirs']);
      }, TEN_MINUTES);
    });

    it('their statement has ended here', async () => {
      const now = Math.floor(Date.now() / 1000);
      await link.withStatement(
        LONDON,
        next,
        async () => {
          const steps = await link.check();
          assert.deepEqual(failures(steps), ['statement not-fresh ours']);
          assert.equal(resultOf(steps, 'name'), 'skipped');
        },
        { iat: now - 7_200, exp: now - 3_600 },
      );
    });

    it('their statement was signed by a key that is not pinned', async () => {
      const config = link.config();
      const neighbours = config.neighbours.map((one) => ({ ...one, federationKeys: config.federationKeys }));
      const steps = await link.check({ config: { ...config, neighbours } });
      assert.deepEqual(failures(steps), ['statement unknown-kid ours']);
    });

    it('their statement names a host that is nowhere', async () => {
      const moved = (): object => ({ endpoints: { federation: 'https://nowhere.invalid:9443' } });
      await link.withStatement(LONDON, moved, async () => {
        const [only = '', ...more] = failures(await link.check());
        assert.match(only, /^name \S+ network$/);
        assert.deepEqual(more, []);
      });
    });
  });

  it('and after all that every step holds as before', async () => {
    assert.deepEqual(failures(await link.check()), []);
  });
});

function variant(name: Variant): (link: CheckedLink) => Promise<Credential> {
  return (link) =>
    issueVariant(name, 'server', {
      ...{ region: LONDON, authority: link.authority(LONDON), other: HERTS },
      now: new Date(),
    });
}

function resultOf(steps: readonly Step[], name: Step['step']): string | undefined {
  return steps.find(({ step }) => step === name)?.result;
}

/** Waits 300 ms for each step. */
function hasty(config: Config): Config {
  return { ...config, neighbours: config.neighbours.map((one) => ({ ...one, timeout_ms: 300 })) };
}
