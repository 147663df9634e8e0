import assert from 'node:assert/strict';
import http from 'node:http';
import https from 'node:https';
import { createServer, type AddressInfo, type Socket } from 'node:net';

import { startDeadline } from '../../src/deadline.ts';
import { DeliveryError } from '../../src/errors.ts';
import { exchange, type Answer, type Call } from '../../src/upstream/exchange.ts';
import { ScriptedServer, sendJson, type Script } from './scripted-server.ts';

const MOST = 64 * 1024;

describe('one HTTP call', () => {
  let server: ScriptedServer;
  let agent: http.Agent;
  beforeEach(async () => {
    server = await ScriptedServer.start((_seen, response) => sendJson(response, 200, {}));
    agent = new http.Agent({ keepAlive: true });
  });
  afterEach(() => {
    agent.destroy();
    server.stop();
  });

  async function call(change: Partial<Call> = {}, budgetMs = 2000): Promise<Answer> {
    using deadline = startDeadline(budgetMs);
    return await exchange({ method: 'GET', url: server.origin, agent, mostBytes: MOST, ...change }, deadline);
  }
  const failsAs = (code: string) => (error: unknown) => error instanceof DeliveryError && error.code === code;

  it('gives status, headers and the bytes as they came, whatever the status', async () => {
    const bytes = Buffer.from([0x00, 0xff, 0xc3, 0x28, 0x7b]);
    for (const status of [200, 204, 302, 404, 418, 500, 503]) {
      server.script = (_seen, response) => {
        response.writeHead(status, { 'X-Told': 'yes' });
        response.end(status === 204 ? undefined : bytes);
      };
      const answer = await call();
      assert.deepEqual([answer.status, answer.header('x-told')], [status, 'yes']);
      if (status !== 204) assert.deepEqual(answer.body, bytes);
    }
  });

  it('sends the body as it is given, byte for byte', async () => {
    const body = '{"query": "a.b.c",\n "x": 1}';
    await call({ method: 'POST', body, headers: { 'Content-Type': 'application/json' } });
    assert.equal(server.seen[0]?.body, body);
  });

  it('never follows a redirect, not even to its own server', async () => {
    for (const status of [301, 302, 303, 307, 308]) {
      server.script = (_seen, response) => response.writeHead(status, { Location: '/elsewhere' }).end();
      assert.equal((await call({ method: 'POST', body: 'x' })).status, status);
    }
    assert.ok(server.seen.every(({ url }) => url === '/'));
  });

  it('never goes by a proxy of the environment', async () => {
    const proxy = await ScriptedServer.start((_seen, response) => sendJson(response, 200, {}));
    const names = ['http_proxy', 'HTTP_PROXY', 'all_proxy'];
    const before = names.map((name) => process.env[name]);
    for (const name of names) process.env[name] = proxy.origin;
    try {
      await call();
    } finally {
      names.forEach((name, at) => {
        if (before[at] === undefined) delete process.env[name];
        else process.env[name] = before[at];
      });
      proxy.stop();
    }
    assert.deepEqual([server.seen.length, proxy.seen.length], [1, 0]);
  });

  const TOO_LARGE: Record<string, Script> = {
    'a body that says so': (_seen, response) => {
      response.writeHead(200, { 'Content-Length': String(MOST * 100) });
      response.write('x'.repeat(MOST + 1));
    },
    'a body that does not say so': (_seen, response) => {
      response.write('x'.repeat(MOST));
      response.end('x');
    },
    'a body without end': (_seen, response) => {
      const pour = (): void => {
        while (!response.destroyed && response.write('x'.repeat(8192)));
      };
      response.on('drain', pour);
      pour();
    },
    'headers without end': (_seen, response) => {
      for (let at = 0; at < 200; at += 1) response.setHeader(`x-${at}`, 'x'.repeat(1000));
      response.end();
    },
  };
  for (const [what, script] of Object.entries(TOO_LARGE)) {
    it(`takes no more than it was told: ${what}`, async () => {
      server.script = script;
      await assert.rejects(call(), failsAs('answer-too-large'));
    });
  }

  it('takes exactly as much as it was told', async () => {
    server.script = (_seen, response) => void response.end('x'.repeat(MOST));
    assert.equal((await call()).body.length, MOST);
  });

  it('takes a signed response of a whole-record question in one header', async () => {
    server.script = (_seen, response) => {
      response.writeHead(200, { 'Wayleave-Response': 'x'.repeat(100_000) });
      response.end();
    };
    assert.equal((await call()).header('wayleave-response')?.length, 100_000);
  });

  const TIMES_OUT: Record<string, Script> = {
    'no answer': () => undefined,
    'headers and no body': (_seen, response) => response.writeHead(200).flushHeaders(),
    'a body that drips': (_seen, response) => {
      const drip = setInterval(() => response.write('x'), 20);
      response.on('close', () => clearInterval(drip));
    },
  };
  for (const [what, script] of Object.entries(TIMES_OUT)) {
    it(`ends with its deadline, and lets the other side know: ${what}`, async () => {
      const closed = Promise.withResolvers<void>();
      server.script = (seen, response, request) => {
        response.on('close', closed.resolve);
        script(seen, response, request);
      };
      await assert.rejects(call({}, 150), failsAs('timeout'));
      await closed.promise;
    });
  }

  it('ends at once when its caller hangs up, before it began or after', async () => {
    using deadline = startDeadline(5000);
    const held = Promise.withResolvers<void>();
    server.script = () => held.resolve();
    const calling = exchange({ method: 'GET', url: server.origin, agent, mostBytes: MOST }, deadline);
    await held.promise;
    deadline.cancel();
    await assert.rejects(calling, failsAs('cancelled'));
    const again = exchange({ method: 'GET', url: server.origin, agent, mostBytes: MOST }, deadline);
    await assert.rejects(again, failsAs('cancelled'));
    assert.equal(server.seen.length, 1);
  });

  it('tells a refused connection from a lost one', async () => {
    server.script = (_seen, response) => void response.destroy();
    await assert.rejects(call(), failsAs('lost-connection'));
    const port = await closedPort();
    await assert.rejects(call({ url: `http://127.0.0.1:${port}/` }), failsAs('refused-connection'));
    await assert.rejects(call({ url: 'http://nowhere.invalid/' }), failsAs('refused-connection'));
  });

  const failure = async (
    calling: Promise<Answer>,
  ): Promise<[string, DeliveryError['unanswered'], boolean]> => {
    try {
      await calling;
    } catch (error) {
      assert.ok(error instanceof DeliveryError);
      return [error.code, error.unanswered, error.blameless];
    }
    throw new assert.AssertionError({ message: 'it was answered' });
  };

  it('waits for a handshake no longer than for a connection, and leaves what is left of the budget', async () => {
    const accepted: Socket[] = [];
    const mute = createServer((socket) => void accepted.push(socket));
    await new Promise<void>((done) => mute.listen(0, '127.0.0.1', done));
    const { port } = mute.address() as AddressInfo;
    const secure = new https.Agent({ keepAlive: true });
    using deadline = startDeadline(60_000);
    const url = `https://127.0.0.1:${port}/`;
    const calling = exchange({ method: 'GET', url, agent: secure, connectMs: 60, mostBytes: MOST }, deadline);
    assert.deepEqual(await failure(calling), ['connect-timeout', 'new', false]);
    assert.ok(accepted.length === 1 && deadline.remainingMs() > 30_000);
    mute.close();
    for (const socket of accepted) socket.destroy();
  });

  it('waits for a name and for TCP no longer either, but for an answer as long as the budget is', async () => {
    const nameless = new http.Agent({ lookup: () => undefined });
    const lost = call({ agent: nameless, url: 'http://nowhere.invalid/', connectMs: 60 }, 60_000);
    assert.deepEqual(await failure(lost), ['connect-timeout', 'new', false]);
    const held = Promise.withResolvers<void>();
    server.script = (_seen, response) => void held.promise.then(() => sendJson(response, 200, {}));
    const answered = call({ connectMs: 300 });
    const late = setTimeout(held.resolve, 350);
    assert.equal((await answered).status, 200);
    clearTimeout(late);
  });

  it('says where nothing of an answer came, and where a byte did', async () => {
    const says: Record<string, Script> = {
      nothing: (_seen, response) => void response.destroy(),
      'half a line': (_seen, response) => void response.socket?.end('HTTP/1.1 2'),
      'half a body': (_seen, response) => {
        response.writeHead(200, { 'Content-Length': '100' });
        response.write('x', () => response.destroy());
      },
    };
    const told: Record<string, unknown> = {};
    for (const [what, script] of Object.entries(says)) {
      server.script = script;
      told[what] = await failure(call());
    }
    const refused = call({ url: `http://127.0.0.1:${await closedPort()}/` });
    assert.deepEqual(
      { ...told, refused: await failure(refused) },
      {
        nothing: ['lost-connection', 'new', false],
        'half a line': ['lost-connection', undefined, false],
        'half a body': ['lost-connection', undefined, false],
        refused: ['refused-connection', 'new', false],
      },
    );
  });

  it('does not blame the other side for a connection that it had just closed', async () => {
    await call();
    server.script = (_seen, response) => void response.destroy();
    assert.deepEqual(await failure(call()), ['lost-connection', 'kept', true]);
    assert.deepEqual(await failure(call()), ['lost-connection', 'new', false]);
  });

  it('keeps nothing of the request in its error', async () => {
    server.script = (_seen, response) => void response.destroy();
    const secret = 'Bearer secret-token-9990000018';
    await assert.rejects(
      call({ url: `${server.origin}/Patient/9990000018`, headers: { Authorization: secret } }),
      (error: unknown) => {
        const { message, cause, stack } = error as Error;
        const inner = cause as Error;
        const text = [message, stack, inner.message, inner.stack, JSON.stringify(inner)].join('\n');
        return !text.includes('9990000018') && Object.keys(inner).length === 0;
      },
    );
  });
});

async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}
