import assert from 'node:assert/strict';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { StoreBehind, type HeldNote } from '../../src/audit/witnessing/our-past.ts';
import { Door } from '../../src/broker/door.ts';
import type { Service } from '../../src/broker/service.ts';
import { HouseError, StartError } from '../../src/errors.ts';
import type { Closed } from '../../src/store/contracts.ts';
import { soon } from '../support/soon.ts';

const HELD: HeldNote = {
  ...{ region: 'london', origin: 'broker.example/log/1', size: 9, root: Buffer.alloc(32), note: 'note' },
};
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** A store's state in the hands of a test, and a listener behind the door. */
class Scripted {
  closed: Closed | undefined;
  openedAt: number | undefined;
  origin = 'broker.example/log/1';
  /** What the store says to an attempt to close it. */
  writes = true;
  starts: (number | undefined)[] = [];
  stopped = 0;
  startFails: Error | undefined;
  onBehind: ((held: HeldNote) => void) | undefined;
  readonly door: Door;
  #server: Server | undefined;

  constructor() {
    this.door = new Door({
      state: async () => ({ closed: this.closed, openedAt: this.openedAt }),
      origin: async () => this.origin,
      start: async (openedAt, onBehind) => this.#start(openedAt, onBehind),
      close: async () => {
        if (!this.writes) throw new HouseError('store-unavailable');
        this.closed ??= { since: 1, why: 'behind', detail: '{}' };
      },
      log: silent,
    });
  }

  async listen(): Promise<void> {
    await this.door.open();
    this.#server = createServer(this.door.handler('viewer'));
    await new Promise<void>((done) => this.#server?.listen(0, '127.0.0.1', done));
  }

  async status(): Promise<number> {
    const { port } = this.#server?.address() as AddressInfo;
    return (await fetch(`http://127.0.0.1:${port}/fhir/Patient`)).status;
  }

  async stop(): Promise<void> {
    await this.door.stop();
    this.#server?.closeAllConnections();
    this.#server?.close();
  }

  #start(openedAt: number | undefined, onBehind: (held: HeldNote) => void): Service {
    if (this.startFails !== undefined) throw this.startFails;
    this.starts.push(openedAt);
    this.onBehind = onBehind;
    const ok: RequestListener = (_request, response) => void response.writeHead(200).end();
    return {
      ...{ origin: this.origin, handlers: { federation: ok, viewer: ok, viewer_tokens: ok } },
      status: () => Promise.reject(new Error('not asked for')),
      trail: undefined as never,
      pings: () => [],
      notices: () => Promise.reject(new Error('not asked for')),
      feeds: () => ({ platforms: [], polling: [] }),
      countFault: async () => undefined,
      logWaitedMs: () => 0,
      stop: async () => void (this.stopped += 1),
    };
  }
}

describe('the door of a broker', () => {
  let at: Scripted;
  beforeEach(() => (at = new Scripted()));
  afterEach(() => at.stop());

  it('lets through while the store is open, and not while it is closed, by whomever', async () => {
    await at.listen();
    assert.equal(await at.status(), 200);
    at.closed = { since: 1, why: 'behind', detail: '{}' };
    await soon(async () => (await at.status()) === 503 || undefined);
    assert.equal(at.stopped, 1);
    assert.equal(at.door.closed?.why, 'behind');
    [at.closed, at.openedAt] = [undefined, 7_000];
    await soon(async () => (await at.status()) === 200 || undefined);
    // The opening is handed on: what was signed before it is not served.
    assert.deepEqual(at.starts, [undefined, 7_000]);
  });

  it('starts no service on a closed store, and refuses one that is half restored', async () => {
    at.closed = { since: 1, why: 'restored', detail: '{}' };
    await at.listen();
    assert.deepEqual([await at.status(), at.starts.length], [503, 0]);
    const half = new Scripted();
    half.closed = { since: 1, why: 'restoring', detail: '{}' };
    await assert.rejects(half.door.open(), StartError);
  });

  it('goes on with another log when the one that it writes was ended', async () => {
    await at.listen();
    at.origin = 'broker.example/log/1/2';
    await soon(() => (at.door.service?.origin === at.origin ? true : undefined));
    assert.deepEqual([at.starts.length, at.stopped], [2, 1]);
  });

  it('is shut when a neighbour holds more, also while that cannot be written down, and stays so', async () => {
    await at.listen();
    at.writes = false;
    at.onBehind?.(HELD);
    await soon(async () => (await at.status()) === 503 || undefined);
    await new Promise((done) => setTimeout(done, 2_500));
    assert.deepEqual([await at.status(), at.closed, at.starts.length], [503, undefined, 1]);
    at.writes = true;
    await soon(() => at.closed);
    assert.deepEqual([await at.status(), at.starts.length], [503, 1]);
  });

  it('is shut from the start for the same reason', async () => {
    at.startFails = new StoreBehind(HELD);
    await at.listen();
    assert.deepEqual([await at.status(), at.closed?.why], [503, 'behind']);
  });

  it('ends the start for a fault, and later tries again', async () => {
    at.startFails = new StartError('broken');
    await assert.rejects(at.door.open(), StartError);
    at.startFails = undefined;
    await at.listen();
    at.startFails = new HouseError('audit-unavailable');
    at.origin = 'broker.example/log/1/2';
    await soon(async () => (await at.status()) === 503 || undefined);
    at.startFails = undefined;
    await soon(async () => (await at.status()) === 200 || undefined);
  });
});
