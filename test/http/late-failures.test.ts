import assert from 'node:assert/strict';
import http from 'node:http';

import { adminApi } from '../../src/http/admin-api.ts';
import { closeApp, createApp } from '../../src/http/app.ts';
import { listen, type Listener } from '../../src/http/listen.ts';
import { startAdminListener } from '../support/admin-listener.ts';
import { callAdminApi } from '../support/admin.ts';
import { until } from '../support/until.ts';

const SECRET = 'what nobody else is to know';

/** A handler in the hands of a test: it fails when it is told to, however late that is. */
class Failing {
  asked = 0;
  #fail: (error: Error) => void = () => undefined;

  readonly work = (): Promise<never> => {
    this.asked += 1;
    return new Promise((_done, failed) => (this.#fail = failed));
  };

  fail(): void {
    this.#fail(new RangeError(SECRET));
  }
}

describe('a handler that fails late', () => {
  const logged: string[] = [];
  const write = (fields: object, message: string): void =>
    void logged.push(JSON.stringify([fields, message]));
  const log = { info: write, warn: write, error: write };
  let listener: Listener | undefined;
  let printed: unknown[];
  // eslint-disable-next-line no-console
  const consoleError = console.error;

  beforeEach(() => {
    [logged.length, printed] = [0, []];
    // eslint-disable-next-line no-console
    console.error = (...told: unknown[]) => void printed.push(told);
  });
  afterEach(async () => {
    // eslint-disable-next-line no-console
    console.error = consoleError;
    await listener?.close(0);
    listener = undefined;
  });

  /** What came of a request: its status and whether it was whole; `cut` where there was none. */
  function get(port: number, path: string, signal?: AbortSignal): Promise<string> {
    return new Promise((done) => {
      const request = http.get({ port, path, agent: false, signal }, (response) => {
        response.resume();
        response.once('error', () => undefined);
        response.once('close', () => done(`${response.statusCode} ${response.complete ? 'whole' : 'cut'}`));
      });
      request.once('error', () => done('cut'));
    });
  }
  const serve = async (handler: http.RequestListener): Promise<number> => {
    listener = await listen({ name: 'test', host: '127.0.0.1', port: 0, handler });
    return listener.port;
  };

  it('after its headers were sent: the answer is cut off, which nobody can take for a whole one', async () => {
    const app = createApp();
    const failing = new Failing();
    app.get('/half', async (_request, response) => {
      response.write('half');
      await failing.work();
    });
    app.get('/well', (_request, response) => void response.end('well'));
    closeApp(app, log);
    const port = await serve(app);
    const answer = get(port, '/half');
    await until(() => failing.asked === 1);
    failing.fail();
    assert.equal(await answer, '200 cut');
    assert.deepEqual(logged, ['[{"error":"RangeError"},"an answer was cut off"]']);
    assert.deepEqual(printed, []);
    assert.equal(await get(port, '/well'), '200 whole');
  });

  it('after its caller hung up, at the listener for this machine: it is logged, and nothing ends', async () => {
    const failing = new Failing();
    const port = await serve(adminApi({ status: failing.work, registries: [] }, log));
    const caller = new AbortController();
    const answer = get(port, '/status', caller.signal);
    await until(() => failing.asked === 1);
    caller.abort();
    assert.equal(await answer, 'cut');
    failing.fail();
    await until(() => logged.length === 1);
    assert.doesNotMatch(logged.join(), new RegExp(SECRET));
    assert.deepEqual(printed, []);
    assert.equal(await get(port, '/health/live'), '200 whole');
  });

  it('after its caller hung up, at the admin API: the same', async () => {
    const failing = new Failing();
    await using admin = await startAdminListener([
      { method: 'GET', path: '/admin/v1/late', role: 'viewer', answer: failing.work },
      { method: 'GET', path: '/admin/v1/well', role: 'viewer', answer: () => ({}) },
    ]);
    const caller = new AbortController();
    const { port, tls } = admin;
    const { signal } = caller;
    const answer = callAdminApi(port, '/admin/v1/late', tls.viewer, { signal }).catch(() => 'cut');
    await until(() => failing.asked === 1);
    caller.abort();
    assert.equal(await answer, 'cut');
    failing.fail();
    await until(() => admin.logged.length === 1);
    assert.doesNotMatch(admin.logged.join(), new RegExp(SECRET));
    assert.equal((await callAdminApi(port, '/admin/v1/well', tls.viewer)).status, 200);
  });
});
