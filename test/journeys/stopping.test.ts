import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { BrokerStatus } from '../../src/http/broker-status.ts';
import { PlacesViewer, type Asked } from '../faults/asking-places.ts';
import { checkLogs } from '../faults/check-logs.ts';
import { ASKING, preparePlaces, STATE, type Places } from '../bench/places.ts';
import { Measured } from '../bench/processes.ts';
import { until } from '../support/until.ts';

const SECRET = 'what nobody else is to know';
const VIEWERS = 6;

/** A mistake of ours in the very process: one signal has a promise reject that nobody looks at, another throws. */
const MISTAKES = `data:text/javascript,
  process.on('SIGUSR2', () => void Promise.reject(new RangeError('${SECRET}')));
  process.on('SIGWINCH', () => setImmediate(() => { throw new RangeError('${SECRET}'); }));`;

/** Viewers who ask without a pause, until their broker is gone. */
class Load {
  readonly asked: (Asked & { readonly id: string })[] = [];
  readonly #viewers: PlacesViewer[];
  readonly #over: Promise<unknown>;
  #going = true;

  constructor(places: Places) {
    this.#viewers = Array.from({ length: VIEWERS }, () => PlacesViewer.of(places));
    this.#over = Promise.all(
      this.#viewers.map(async (viewer) => {
        while (this.#going) {
          const id = randomUUID();
          const asked = await viewer.ask(id);
          this.asked.push({ ...asked, id });
          if (asked.status === 0) return;
        }
      }),
    );
  }

  get answered(): string[] {
    return this.asked.filter(({ whole, status }) => whole && status === 200).map(({ id }) => id);
  }

  async more(count: number): Promise<void> {
    const wanted = this.answered.length + count;
    await until(() => this.answered.length >= wanted, `${count} more answers`);
  }

  async stop(): Promise<void> {
    this.#going = false;
    await this.#over;
    for (const viewer of this.#viewers) viewer.close();
  }
}

describe('a broker that ends under load', function () {
  this.timeout(120_000);
  let places: Places;
  let others: Measured[];
  let asking: Measured;
  let load: Load;

  before(async () => {
    places = await preparePlaces({ window_ms: 1_000, reset_ms: 100, probe_ms: 500 });
    const plan = {
      records: Object.values(places.regions).map(({ record }) => record),
      demographics: places.demographics,
    };
    others = [await Measured.ownFile('stand-ins', 'stand-ins.ts', plan)];
    others.push(await Measured.broker('london', places.regions.london.admin, undefined));
  });
  beforeEach(async () => {
    const { admin } = places.regions[ASKING];
    asking = await Measured.broker(ASKING, admin, undefined, ['--import', MISTAKES]);
    load = new Load(places);
    await load.more(10);
  });
  afterEach(async () => {
    await asking.stop();
    await load.stop();
  });
  after(() => Promise.all(others.map((one) => one.stop())));

  const status = async (): Promise<BrokerStatus> => {
    const answer = await fetch(`http://127.0.0.1:${places.regions[ASKING].admin}/status`);
    return (await answer.json()) as BrokerStatus;
  };
  const logged = (): string => readFileSync(join(STATE, ASKING, 'broker.log'), 'utf8');

  /** Each request has its whole answer, or none; and each answer is in the log, as is what became of each query. */
  async function nothingIsLost(): Promise<void> {
    await load.stop();
    const half = load.asked.filter(({ whole, status: code }) => code !== 0 && !whole);
    assert.deepEqual(half, []);
    assert.ok(load.asked.every(({ status: code }) => [0, 200, 503].includes(code)));
    const run = { kills: 0, answered: load.answered, asked: load.asked.length, idle: 0 };
    const { interrupted } = await checkLogs(run);
    assert.equal(interrupted, 0);
  }

  it('goes on after rejections that nobody handled: each is logged by its class alone, and counted', async () => {
    for (const count of [1, 2, 3]) {
      asking.signal('SIGUSR2');
      await until(async () => (await status()).load?.unhandled === count, 'counted');
    }
    await load.more(10);
    assert.equal(logged().match(/"error":"RangeError".*unhandled rejection/g)?.length, 3);
    assert.doesNotMatch(logged(), new RegExp(SECRET));
  });

  it('drains when it is told to stop: each answer is whole or was never begun, and nothing is lost', async () => {
    asking.signal('SIGTERM');
    assert.equal(await asking.ended(), 0);
    await nothingIsLost();
  });

  it('drains after an exception that nobody caught, and ends with 1 so that it is started anew', async () => {
    asking.signal('SIGWINCH');
    assert.equal(await asking.ended(), 1);
    assert.match(logged(), /"error":"RangeError".*unhandled exception/);
    assert.doesNotMatch(logged(), new RegExp(SECRET));
    await nothingIsLost();
  });
});
