import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import https from 'node:https';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

import type { BreakerConfig } from '../../src/config/schema.ts';
import { startDeadline } from '../../src/deadline.ts';
import { DeliveryError, PolicyRefusal, type WayleaveError } from '../../src/errors.ts';
import type { NeighbourLink } from '../../src/upstream/neighbour-link.ts';
import { made } from '../support/made-certificate.ts';
import { until } from '../support/until.ts';
import { entityOf, linkTo, serverTls } from '../trust/two-ends.ts';

const AUTHORITY = made({ name: 'Their CA', authority: true });
const PINNED = { region: 'london', anchors: [AUTHORITY] };
const leaf = made({ name: 'london', by: AUTHORITY, usages: ['server'], uris: [entityOf('london')] });

/** In London's place, with its certificate: does what `script` says, and counts. */
class StandIn {
  script: (response: ServerResponse) => void = signed(200);
  connections = 0;
  heard = 0;
  readonly #server = https.createServer(serverTls({ leaf }), (request, response) => {
    this.heard += 1;
    request.resume();
    this.script(response);
  });

  async listen(): Promise<number> {
    this.#server.on('secureConnection', () => (this.connections += 1)).on('tlsClientError', () => undefined);
    return await portOf(this.#server);
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

async function portOf(server: Server): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
}

function signed(status: number, headers: Record<string, string> = {}) {
  return (response: ServerResponse): void => {
    response.writeHead(status, { 'Wayleave-Response': 'signed', ...headers }).end('well');
  };
}
const unsigned =
  (status: number, after: string | undefined) =>
  (response: ServerResponse): void =>
    void response.writeHead(status, after === undefined ? {} : { 'Retry-After': after }).end();

describe('the link to a neighbour', () => {
  let london: StandIn;
  let port: number;
  const opened: { close(): void }[] = [];
  beforeEach(async () => {
    opened.push((london = new StandIn()));
    port = await london.listen();
  });
  afterEach(() => {
    for (const one of opened.splice(0)) one.close();
  });

  function asking(
    ports: readonly number[],
    change: { breaker?: Partial<BreakerConfig>; connectMs?: number } = {},
  ) {
    const { link, thumbprint } = linkTo(PINNED, ports, change);
    opened.push(link);
    const message = { token: 'a.b.c', digest: 'd', jti: 'j', audience: entityOf('london') };
    const claims = { cnf: { 'x5t#S256': thumbprint } };
    const ask = async (call: 'query' | 'notices' = 'query', budgetMs = 5_000): Promise<string> => {
      using deadline = startDeadline(budgetMs);
      const believe = async ({ status }: { status: number }): Promise<string> => {
        if (status !== 200) throw new PolicyRefusal('notices-full');
        return 'answered';
      };
      return await link
        .ask({ ...message, claims }, {}, deadline, believe, call)
        .catch((error: unknown) => (error as WayleaveError).code);
    };
    return { link, ask };
  }

  describe('leaves it alone for as long as it asks', () => {
    const ASKS: readonly [what: string, answer: (response: ServerResponse) => void, code: string][] = [
      ['503 in seconds', unsigned(503, '30'), 'peer-throttled'],
      [
        '429 by a date',
        (response) => unsigned(429, new Date(Date.now() + 60_000).toUTCString())(response),
        'peer-throttled',
      ],
      ['503, signed', signed(503, { 'Retry-After': '30' }), 'notices-full'],
    ];
    for (const [what, answer, code] of ASKS) {
      it(what, async () => {
        const { ask, link } = asking([port]);
        london.script = answer;
        assert.deepEqual([await ask(), await ask(), await ask()], [code, 'left-alone', 'left-alone']);
        assert.equal(london.heard, 1);
        assert.ok((link.status().leftAloneUntil ?? '') > new Date().toISOString());
      });
    }

    it('and asks at once where it does not say, says rubbish, or tells of a queue of notices', async () => {
      const { ask } = asking([port]);
      for (const after of [undefined, 'soon', '-5', '0']) {
        london.script = unsigned(503, after);
        assert.equal(await ask(), 'peer-throttled');
      }
      london.script = signed(429, { 'Retry-After': '30' });
      assert.equal(await ask('notices'), 'notices-full');
      london.script = signed(200);
      assert.equal(await ask(), 'answered');
    });
  });

  describe('when it is slow', () => {
    const slow = (response: ServerResponse): void => void setTimeout(() => signed(200)(response), 80);
    const breaker = { volume_threshold: 3, slow_ms: 40 };

    it('gives what it answers, counts that against it, and says so', async () => {
      const { ask, link } = asking([port], { breaker });
      london.script = slow;
      assert.deepEqual([await ask(), await ask(), await ask()], ['answered', 'answered', 'answered']);
      const { circuit, window } = link.status();
      assert.deepEqual([circuit, window.slow, window.failed], ['open', 3, 3]);
      assert.equal(await ask(), 'circuit-open');
    });

    it('is asked by others as before, where those who found it slow could not wait', async () => {
      const { ask, link } = asking([port], { breaker });
      london.script = () => undefined;
      const hurried = Array.from({ length: 6 }, () => ask('query', 60));
      assert.deepEqual(new Set(await Promise.all(hurried)), new Set(['cancelled']));
      const { circuit, window } = link.status();
      assert.deepEqual([circuit, window.slow, window.failed], ['closed', 0, 0]);
    });
  });

  describe('when it hangs', () => {
    it('holds as many calls and connections as the bulkhead has room for, and turns away the rest at once', async () => {
      const held: ServerResponse[] = [];
      london.script = (response) => void held.push(response);
      const { ask, link } = asking([port], { breaker: { capacity: 3 } });
      const under = [ask(), ask(), ask()];
      await until(() => held.length === 3, 'three calls');
      const others = await Promise.all(Array.from({ length: 200 }, () => ask()));
      assert.deepEqual(new Set(others), new Set(['bulkhead-full']));
      assert.deepEqual([link.status().underWay, london.heard, london.connections], [3, 3, 3]);

      const well = new StandIn();
      opened.push(well);
      const other = asking([await well.listen()]);
      const answers = await Promise.all(Array.from({ length: 10 }, () => other.ask()));
      assert.deepEqual(new Set(answers), new Set(['answered']));

      london.script = signed(200);
      for (const response of held) signed(200)(response);
      assert.deepEqual(await Promise.all(under), ['answered', 'answered', 'answered']);
      assert.deepEqual(await Promise.all([ask(), ask(), ask()]), ['answered', 'answered', 'answered']);
      assert.deepEqual([london.connections, link.status().underWay], [3, 0]);
    });

    it('in the handshake, costs what a connection may, and then another endpoint is asked', async () => {
      const accepted: Socket[] = [];
      const mute = createServer((socket) => void accepted.push(socket.on('error', () => undefined)));
      const mutePort = await portOf(mute);
      opened.push({
        close: () => {
          mute.close();
          for (const socket of accepted) socket.destroy();
        },
      });
      const { ask, link } = asking([mutePort, port], { connectMs: 400 });
      assert.deepEqual([await ask(), await ask(), await ask()], ['connect-timeout', 'answered', 'answered']);
      assert.equal(accepted.length, 1);
      const { endpoint, avoided, window } = link.status();
      assert.deepEqual(
        [endpoint, avoided, window.failed],
        [`https://127.0.0.1:${port}`, [`https://127.0.0.1:${mutePort}`], 0],
      );
    });
  });

  describe('asks once more', () => {
    const lost = (unanswered: DeliveryError['unanswered']): DeliveryError =>
      Object.assign(new DeliveryError('lost-connection'), { unanswered });
    const inTime = (link: NeighbourLink) => link.mayAskAgain(lost('new'), 100);

    it('only where nothing of an answer came', () => {
      const { link } = asking([port], { connectMs: 50 });
      assert.deepEqual(
        [lost('new'), lost('kept'), lost(undefined), new DeliveryError('timeout'), new TypeError('x')].map(
          (error) => link.mayAskAgain(error, 5_000),
        ),
        [true, true, false, false, false],
      );
    });

    it('only where there is time for a usual answer; before there was one, for a connection', async () => {
      const { link, ask } = asking([port], { connectMs: 3_000 });
      assert.deepEqual([link.mayAskAgain(lost('new'), 2_999), inTime(link)], [false, false]);
      assert.equal(link.mayAskAgain(lost('new'), 3_000), true);
      london.script = (response) => setTimeout(() => signed(200)(response), 150);
      assert.equal(await ask(), 'answered');
      assert.deepEqual([link.mayAskAgain(lost('new'), 3_000), inTime(link)], [true, false]);
    });

    it('only where the circuit is closed and it did not ask to be left alone', async () => {
      const { link, ask } = asking([port], { connectMs: 50 });
      london.script = unsigned(503, '30');
      assert.equal(await ask(), 'peer-throttled');
      assert.equal(inTime(link), false);
      const opens = asking([port], { connectMs: 50, breaker: { volume_threshold: 1, error_percentage: 1 } });
      london.script = unsigned(500, undefined);
      assert.deepEqual([await opens.ask(), inTime(opens.link)], ['peer-failed', false]);
    });

    it('within the time that the neighbour has for both', () => {
      const { link } = asking([port]);
      using deadline = startDeadline(60_000);
      using short = startDeadline(1_000);
      assert.equal(link.leftMs(4_000, deadline), 1_000);
      assert.ok(link.leftMs(100, short) <= 1_000);
      assert.ok(link.leftMs(6_000, deadline) <= 0);
    });
  });
});
