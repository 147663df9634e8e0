import assert from 'node:assert/strict';
import http, { type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { Gate } from '../../../src/http/load/gate.ts';
import { RefusedCounts } from '../../../src/http/load/refused-counts.ts';
import { workOn } from '../../../src/http/load/work.ts';
import { until } from '../../support/until.ts';
import { errorCode, type Reply } from '../../support/viewer.ts';

interface Underway {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

describe('the gate', () => {
  let now: number;
  let gate: Gate;
  let server: http.Server;
  let agent: http.Agent;
  let inside: Underway[];
  let refused: string[];
  let random: number;
  let handler: RequestListener;

  beforeEach(async () => {
    [now, random, inside, refused] = [0, 0, [], []];
    handler = (request, response) => void inside.push({ request, response });
    gate = new Gate({
      ...{ limit: { least: 1, most: 1 }, waitMs: 500, clock: () => now, random: () => random },
      onRefused: (code) => void refused.push(code),
    });
    const answers = gate.before((...both) => handler(...both), {
      callerOf: ({ headers }) => ({
        side: 'viewers',
        name: headers['x-caller'] as string,
        counted: 'viewer-',
      }),
      budgetOf: () => 1_000,
      isProbe: ({ url }) => url === '/probe',
    });
    server = http.createServer(answers);
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    agent = new http.Agent({ keepAlive: true });
  });
  afterEach(() => {
    agent.destroy();
    server.closeAllConnections();
    server.close();
  });

  function ask(caller: string, path = '/', signal?: AbortSignal): Promise<Reply> {
    const { port } = server.address() as AddressInfo;
    return new Promise((resolve, reject) => {
      http
        .get(
          { port, host: '127.0.0.1', path, agent, headers: { 'X-Caller': caller }, signal },
          (response) => {
            let text = '';
            response.setEncoding('utf8').on('data', (part: string) => (text += part));
            response.on('end', () => {
              const body = JSON.parse(text || '{"resourceType":"none"}') as Reply['body'];
              resolve({ status: response.statusCode ?? 0, headers: response.headers, text, body });
            });
          },
        )
        .on('error', reject);
    });
  }
  const first = async (): Promise<Underway> => {
    await until(() => inside.length > 0, 'a request inside');
    return inside.shift() ?? assert.fail();
  };
  const waiting = (count: number) => until(() => gate.status().waiting === count, `${count} waiting`);

  it('refuses who waited in vain in 503, with a code, and a time to come again that differs', async () => {
    void ask('a').catch(() => undefined);
    await first();
    const spread = new Set<unknown>();
    for (const chance of [0, 0.5, 0.99]) {
      random = chance;
      const asked = ask('b');
      await waiting(1);
      now += 250;
      gate.tick();
      const { status, body, headers } = await asked;
      assert.deepEqual([status, errorCode(body)], [503, 'overloaded']);
      assert.equal(headers['cache-control'], 'no-store');
      assert.match(headers['content-type'] as string, /^application\/fhir\+json/);
      spread.add(headers['retry-after']);
    }
    assert.deepEqual([...spread], ['1', '2', '3']);
    assert.deepEqual(refused, Array(3).fill('viewer-overloaded'));
    assert.deepEqual([inside.length, gate.status().refused], [0, 3]);
  });

  it('takes what was waited off the time that the work has', async () => {
    void ask('a').catch(() => undefined);
    const { response } = await first();
    const asked = ask('b');
    await waiting(1);
    now += 200;
    response.end();
    const next = await first();
    using work = workOn(next.request, next.response, 201);
    assert.ok(work.deadline.remainingMs() <= 1);
    next.response.end();
    assert.equal((await asked).status, 200);
  });

  it('counts work as under way until it is over, also when its caller has hung up', async () => {
    const controller = new AbortController();
    const asked = ask('a', '/', controller.signal).catch(() => 'hung up');
    const { request, response } = await first();
    const work = workOn(request, response, 1_000);
    controller.abort();
    assert.equal(await asked, 'hung up');
    await until(() => work.deadline.reason === 'cancelled', 'the work is told');
    assert.equal(gate.status().underWay.viewers, 1);
    work[Symbol.dispose]();
    assert.equal(gate.status().underWay.viewers, 0);
  });

  it('begins nothing for who has hung up, and has nobody wait who went away', async () => {
    const controller = new AbortController();
    const asked = ask('a', '/', controller.signal).catch(() => 'hung up');
    const { request, response } = await first();
    const other = new AbortController();
    const left = ask('b', '/', other.signal).catch(() => 'hung up');
    await waiting(1);
    other.abort();
    await waiting(0);
    controller.abort();
    await Promise.all([asked, left]);
    await until(() => response.closed, 'it is closed');
    assert.throws(() => workOn(request, response, 1_000), { code: 'cancelled' });
    assert.deepEqual(gate.status().underWay, { viewers: 0, neighbours: 0 });
  });

  it('lets probes in whatever is under way', async () => {
    void ask('a').catch(() => undefined);
    await first();
    const probe = ask('b', '/probe');
    const { response } = await first();
    response.end();
    assert.equal((await probe).status, 200);
  });

  it('says since when it refuses, until nothing was refused for a while', async () => {
    handler = (_request, response) => void response.end();
    assert.equal(gate.status().refusingMs, undefined);
    handler = (request, response) => void inside.push({ request, response });
    void ask('a').catch(() => undefined);
    await first();
    const asked = ask('b');
    await waiting(1);
    now = 250;
    gate.tick();
    await asked;
    now = 1_250;
    assert.equal(gate.status().refusingMs, 1_000);
    now = 11_000;
    gate.tick();
    assert.equal(gate.status().refusingMs, undefined);
  });

  it('when it is closed: refuses the rest, closes their connections, and waits for what is under way', async () => {
    const under = ask('a');
    const { response } = await first();
    const waits = ask('b');
    await waiting(1);
    gate.close();
    const refusals = [await waits, await ask('c'), await ask('d', '/probe')];
    for (const { status, body, headers } of refusals) {
      assert.deepEqual([status, errorCode(body), headers.connection], [503, 'stopping', 'close']);
    }
    let isEmpty = false;
    const empty = gate.empty(60_000).then(() => (isEmpty = true));
    await ask('e');
    assert.equal(isEmpty, false);
    response.end('{"resourceType":"Basic"}');
    assert.equal((await under).status, 200);
    await empty;
    assert.equal(gate.status().refusingMs, undefined, 'a stop is no overload');
  });

  it('is told of each window, and lets more in', () => {
    const growing = new Gate({
      ...{ limit: { least: 1, most: 100 }, waitMs: 500, clock: () => now, random: () => 0 },
      onRefused: () => undefined,
    });
    const before = growing.status().limit;
    growing.learn(true);
    assert.ok(growing.status().limit < before);
  });
});

describe('the counts of what is refused', () => {
  const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

  it('are gathered, written once for many, and kept when they cannot be written', async () => {
    let fails = true;
    const written: [string, number][] = [];
    const logged: string[] = [];
    const counts = new RefusedCounts(
      async (code, times) => {
        if (fails) throw new Error('no disk');
        written.push([code, times]);
      },
      { ...silent, error: (_fields, message) => void logged.push(message) },
    );
    for (let count = 0; count < 40; count += 1) counts.add('overloaded');
    await counts.write();
    await counts.write();
    assert.equal(logged.length, 1, 'said once');
    fails = false;
    counts.add('overloaded');
    counts.add('viewer-overloaded');
    await counts.stop();
    assert.deepEqual(written, [
      ['overloaded', 41],
      ['viewer-overloaded', 1],
    ]);
  });
});
