import assert from 'node:assert/strict';
import type { RequestListener } from 'node:http';

import { openStore } from '../../src/broker.ts';
import { createPdsServer } from '../../src/demo/pds-server.ts';
import { buildStories } from '../../src/demo/stories.ts';
import { RESPONSE_HEADER } from '../../src/evidence/response.ts';
import { encounter } from '../whereabouts/encounters.ts';
import { readAudit } from '../support/audit.ts';
import { startFederation, type TestFederation } from '../support/federation.ts';
import { TestNeighbour } from '../support/neighbour.ts';
import { until } from '../support/until.ts';
import { errorCode, TestViewer, type Reply } from '../support/viewer.ts';

const REGION = 'essex-suffolk';
/** Two at once, and one more of the other side. */
const LOAD = { least: 2, most: 2, wait_ms: 10_000 };

/** What holds requests under way, until it is let go: demographics, which every question waits for. */
class Held {
  readonly #serves: RequestListener;
  #held: readonly { readonly name: string; readonly go: () => void }[] = [];
  #holding = true;

  constructor(serves: RequestListener) {
    this.#serves = serves;
  }

  readonly listener: RequestListener = (request, response) => {
    const go = (): void => void this.#serves(request, response);
    if (!this.#holding) return go();
    this.#held = [...this.#held, { name: (request.url ?? '').split('/').at(-1) ?? '', go }];
  };

  holds(name: string): boolean {
    return this.#held.some((one) => one.name === name);
  }

  letGo(name: string): void {
    const going = this.#held.filter((one) => one.name === name);
    this.#held = this.#held.filter((one) => one.name !== name);
    for (const { go } of going) go();
  }

  letAllGo(): void {
    this.#holding = false;
    for (const { go } of this.#held) go();
    this.#held = [];
  }
}

describe('what a broker takes in', () => {
  const data = buildStories(new Date());
  const patients = data.demographics.flatMap((entry) => ('invalidated' in entry ? [] : [entry.nhsNumber]));
  let demographics: Held;
  const record = new Held((_request, response) => void response.writeHead(404).end());
  let federation: TestFederation;
  let one: TestViewer;
  let other: TestViewer;
  let london: TestNeighbour;

  before(async () => {
    demographics = new Held(createPdsServer({ entries: data.demographics }));
    federation = await startFederation({
      ...{ data, regions: [REGION, 'london'], demographics: demographics.listener },
      records: { 'mid-south-essex': record.listener },
      edit: (region, config) => {
        Object.assign(config['demographics'] as object, { rate_per_second: 1_000, timeout_ms: 60_000 });
        if (region !== REGION) return;
        const [{ certificate }] = config['viewers'] as [{ certificate: object }];
        const of = { name: 'Orion', organisations: ['RAJ'], requests_per_second: 1_000 };
        config['care_locations'] = { platforms: [{ id: 'orion', certificate, ...of }] };
        config['load'] = LOAD;
        config['budgets'] = { bundle_ms: 60_000 };
      },
    });
    one = new TestViewer(federation, REGION, 'mid-south-essex-viewer');
    other = new TestViewer(federation, REGION, 'suffolk-viewer');
    london = new TestNeighbour(federation, 'london');
  });
  after(async () => {
    demographics.letAllGo();
    one.close();
    other.close();
    await federation.stop();
  });

  const ask = (viewer: TestViewer, nth: number, headers: Record<string, string> = {}): Promise<Reply> => {
    const patient = patients[nth] ?? assert.fail();
    return viewer.ask(patient, `/fhir/Condition?patient=${patient}`, { headers });
  };
  const load = async () => (await federation.broker(REGION).status()).load ?? assert.fail();
  const waiting = (count: number) => until(async () => (await load()).waiting === count, `${count} waiting`);
  const isIn = (nth: number) => until(() => demographics.holds(patients[nth] ?? ''), `patient ${nth} in`);
  const counted = async (code: string): Promise<number> => {
    const store = await openStore(federation.config(REGION));
    try {
      const counts = await store.log.counts(Date.now() - 600_000, Date.now() + 60_000);
      return counts.filter((row) => row.code === code).reduce((sum, { count }) => sum + count, 0);
    } finally {
      await store.close();
    }
  };
  const replies: Promise<Reply>[] = [];

  it('is all that there is room for, of one viewer alone; then they wait', async () => {
    for (const nth of [0, 1, 2, 3]) replies.push(ask(one, nth));
    await Promise.all([isIn(0), isIn(1), waiting(2)]);
    assert.deepEqual((await load()).underWay, { viewers: 2, neighbours: 0 });
  });

  it('is refused in 503 where its own time is over first, and counted', async () => {
    const { status, body, headers } = await ask(one, 5, { Prefer: 'wait=0.25' });
    assert.deepEqual([status, errorCode(body)], [503, 'overloaded']);
    assert.match(headers['retry-after'] as string, /^[123]$/);
    await until(async () => (await counted('viewer-overloaded')) === 1, 'the count');
  });

  it('is shown while some are refused, and it stays ready', async () => {
    const { ready, load: { overloaded = '', refused } = {} } = await federation.broker(REGION).status();
    assert.deepEqual([ready, refused], [true, 1]);
    assert.ok(Date.parse(overloaded) <= Date.now());
  });

  it('is from neighbours all the same, and one more of them is refused without a signature', async () => {
    const send = async (headers: Record<string, string> = {}): Promise<Reply> =>
      london.send(REGION, await london.query(REGION, patients[0] ?? ''), { headers });
    const first = send();
    await until(async () => (await load()).underWay.neighbours === 1, 'a query under way');
    const { status, body, headers } = await send({ 'Wayleave-Budget-Ms': '200' });
    assert.deepEqual([status, errorCode(body), headers[RESPONSE_HEADER]], [503, 'overloaded', undefined]);
    assert.match(headers['retry-after'] as string, /^[123]$/);
    const probe = { method: 'GET', path: '/federation/v1/hello' };
    assert.equal((await london.send(REGION, undefined, probe)).status, 204);
    record.letAllGo();
    assert.equal((await first).status, 200);
    await until(async () => (await counted('overloaded')) === 1, 'the count');
  });

  it('is next from who has the least, whoever came first', async () => {
    const feed = one.send('/feeds/fhir/Encounter', {
      ...{ method: 'POST', headers: { 'Content-Type': 'application/fhir+json' } },
      body: JSON.stringify(encounter(patients[6] ?? '', 'RAJ')),
    });
    await waiting(3);
    replies.push(ask(other, 4));
    await waiting(4);
    demographics.letGo(patients[0] ?? '');
    // The platform's own request is over at once, whose place goes on to the viewer that has none.
    assert.equal((await feed).status, 200);
    await isIn(4);
    assert.ok(!demographics.holds(patients[2] ?? ''));
  });

  it('goes on to its end when the broker is stopped, and nothing else does', async () => {
    const stopped = federation.stopBroker(REGION);
    demographics.letAllGo();
    const settled = await Promise.all(replies);
    const codes = settled.map(({ status, body }) => (status === 503 ? errorCode(body) : 'answered'));
    assert.deepEqual(codes.toSorted(), ['answered', 'answered', 'answered', 'stopping', 'stopping']);
    for (const { headers } of settled.slice(1)) assert.equal(headers.connection, 'close');
    await stopped;

    const rows = await readAudit(federation.config(REGION));
    const begun = new Set(rows.filter(({ event }) => event === 'route-planned').map((row) => row.exchange));
    const ended = new Set(
      rows.filter(({ event }) => event === 'released-to-viewer').map((row) => row.exchange),
    );
    assert.equal(begun.size, 3);
    assert.deepEqual(ended, begun);
    assert.equal(await counted('viewer-stopping'), 2);
  });
});
