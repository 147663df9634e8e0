import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { connect, createServer } from 'node:tls';

import { authorityValidity, leafValidity } from '../../../certs-dev/validity.ts';
import { startDeadline } from '../../../src/deadline.ts';
import { issueAuthority, issueLeaf } from '../../../src/trust/issue.ts';
import { federationServerTls } from '../../../src/trust/tls.ts';
import { codeIn, judgeClock, OpenLink, type Asking } from '../../../src/upstream/check/ask.ts';
import { openTcp } from '../../../src/upstream/check/connect.ts';
import { mendFor } from '../../../src/upstream/check/mend.ts';
import { blameSharedClock } from '../../../src/upstream/check/shared-clock.ts';
import { STEPS, type Step } from '../../../src/upstream/check/step.ts';

describe('what a check is made of', () => {
  it('an alert that comes after the handshake is named', async () => {
    const now = new Date();
    const authority = await issueAuthority({ name: 'alerts', ...authorityValidity(now) });
    const leaf = {
      commonName: 'a',
      uri: 'https://a.example',
      usage: 'server',
      ...leafValidity(now),
    } as const;
    const options = federationServerTls(await issueLeaf(authority, leaf), [authority.certificate]);
    const listener = createServer(options).on('tlsClientError', () => undefined);
    await once(listener.listen(0, '127.0.0.1'), 'listening');
    const { port } = listener.address() as AddressInfo;
    // Without a certificate: OpenSSL itself refuses that, and says so.
    const ends = { host: '127.0.0.1', port, ca: authority.certificate };
    const socket = connect({ ...ends, checkServerIdentity: () => undefined });
    try {
      await once(socket, 'secureConnect');
      const url = `https://127.0.0.1:${port}`;
      const link = new OpenLink(socket, { url, now: Date.now } as Asking);
      using deadline = startDeadline(5_000);
      const { answer, fault } = await link.hello(deadline);
      assert.deepEqual([answer, fault], [undefined, { code: 'certificate_required' }]);
    } finally {
      socket.destroy();
      listener.close();
    }
  });

  it('a connection that does not come about in time is given up', async () => {
    const listener = createTcpServer();
    await once(listener.listen(0, '127.0.0.1'), 'listening');
    const { port } = listener.address() as AddressInfo;
    using deadline = startDeadline(0);
    assert.equal((await openTcp({ host: '127.0.0.1', port }, deadline)).fault?.code, 'timeout');
    listener.close();
  });

  it('a clock is off beyond what a message may be', () => {
    const cases: readonly [aheadMs: number, code: string | undefined][] = [
      [0, undefined],
      [30_400, undefined],
      [-30_400, undefined],
      [31_000, 'clock-differs'],
      [-31_000, 'clock-differs'],
    ];
    for (const [aheadMs, code] of cases) assert.equal(judgeClock(aheadMs).fault?.code, code, String(aheadMs));
    assert.deepEqual(judgeClock(undefined), { skipped: true });
  });

  it('whose clock it is, where several neighbours were asked', () => {
    const clock = (aheadSeconds: number): Step => ({
      ...{ step: 'clock', detail: { aheadSeconds } },
      ...(Math.abs(aheadSeconds) > 30
        ? { result: 'failed', code: 'clock-differs', whose: 'theirs', mend: '' }
        : { result: 'held' }),
    });
    const cases: readonly [ahead: readonly number[], whose: readonly (string | undefined)[]][] = [
      [[600], ['theirs']],
      [
        [600, 605],
        ['ours', 'ours'],
      ],
      [
        [600, 0],
        ['theirs', undefined],
      ],
      [
        [600, -600],
        ['theirs', 'theirs'],
      ],
      [
        [600, 602, 1],
        ['theirs', 'theirs', undefined],
      ],
    ];
    for (const [ahead, whose] of cases) {
      const blamed = blameSharedClock(ahead.map((seconds) => [clock(seconds)]));
      assert.deepEqual(
        blamed.map(([step]) => step?.whose),
        whose,
        ahead.join(),
      );
    }
  });

  it('tells of an answer its code, where that is one of ours, and else its status', () => {
    const outcome = (code: unknown): Buffer =>
      Buffer.from(JSON.stringify({ issue: [{ details: { coding: [{ code }] } }] }));
    const cases: readonly [body: Buffer, code: string][] = [
      [outcome('throttled'), 'throttled'],
      [outcome('9990000018'), 'status-400'],
      [outcome('toString'), 'status-400'],
      [outcome({}), 'status-400'],
      [Buffer.from('<html>'), 'status-400'],
      [Buffer.from('null'), 'status-400'],
      [Buffer.alloc(0), 'status-400'],
    ];
    for (const [body, code] of cases) assert.equal(codeIn({ status: 400, body }), code);
  });

  it('has a mend for each step, whatever its code', () => {
    for (const step of STEPS) assert.match(mendFor(step, 'toString').mend, /^[A-Z].+: .+\.$/);
    assert.equal(mendFor('accepted', 'closed-without-alert', 'ours').whose, 'ours');
  });
});
