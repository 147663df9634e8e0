import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Store } from '../../src/store/contracts.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { startFederation, type TestFederation } from '../support/federation.ts';
import { TestNeighbour } from '../support/neighbour.ts';
import { until } from '../support/until.ts';
import { TestViewer } from '../support/viewer.ts';
import { encounter } from '../whereabouts/encounters.ts';

const REGION = 'essex-suffolk';
const PATIENT = '9990000018';
const SECRET = 'what nobody else is to know';

/** A log that takes its time, and then fails in a way that nobody foresaw. */
class HeldLog {
  holding = false;
  #fail: ((error: Error) => void)[] = [];

  over(sound: Store): Store {
    return {
      ...sound,
      log: {
        ...sound.log,
        append: (log, items) =>
          this.holding
            ? new Promise((_done, failed) => void this.#fail.push(failed))
            : sound.log.append(log, items),
      },
      close: async () => undefined,
    };
  }

  get held(): number {
    return this.#fail.length;
  }

  failAll(): void {
    this.holding = false;
    for (const fail of this.#fail.splice(0)) fail(new RangeError(SECRET));
  }
}

describe('work that fails after its caller has gone', () => {
  const log = new HeldLog();
  let directory: string;
  let store: Store;
  let federation: TestFederation;
  let viewer: TestViewer;
  let london: TestNeighbour;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'wayleave-late-'));
    store = await openSqliteStore(join(directory, 'essex.db'));
    federation = await startFederation({
      regions: [REGION, 'london'],
      store: (region) => (region === REGION ? log.over(store) : undefined),
      edit: (region, config) => {
        if (region !== REGION) return;
        const [{ certificate }] = config['viewers'] as [{ certificate: object }];
        const of = { name: 'Orion', organisations: ['RAJ'], requests_per_second: 1_000 };
        config['care_locations'] = { platforms: [{ id: 'orion', certificate, ...of }] };
      },
    });
    viewer = new TestViewer(federation, REGION, 'mid-south-essex-viewer');
    london = new TestNeighbour(federation, 'london');
  });
  after(async () => {
    log.failAll();
    viewer.close();
    await federation.stop();
    await store.close();
    await rm(directory, { recursive: true });
  });

  const search = `/fhir/Condition?patient=${PATIENT}`;
  const stream = { Accept: 'text/event-stream' };
  const post = { method: 'POST', headers: { 'Content-Type': 'application/fhir+json' } };
  const body = JSON.stringify(encounter(PATIENT, 'RAJ'));
  const ways: readonly [string, (signal: AbortSignal) => Promise<unknown>][] = [
    ["a viewer's Bundle", (signal) => viewer.ask(PATIENT, search, { signal })],
    ["a viewer's stream", (signal) => viewer.ask(PATIENT, search, { signal, headers: stream })],
    ["a platform's Encounter", (signal) => viewer.send('/feeds/fhir/Encounter', { ...post, body, signal })],
    [
      "a neighbour's query",
      async (signal) => london.send(REGION, await london.query(REGION, PATIENT), { signal }),
    ],
  ];
  for (const [name, ask] of ways) {
    it(`${name}: ends nothing, and takes nobody's place`, async () => {
      const caller = new AbortController();
      log.holding = true;
      const asked = ask(caller.signal).then(
        () => 'answered',
        () => 'hung up',
      );
      await until(() => log.held > 0, 'the log is asked');
      caller.abort();
      assert.equal(await asked, 'hung up');
      log.failAll();
      const status = () => federation.broker(REGION).status();
      await until(async () => {
        const { load } = await status();
        return load?.underWay.viewers === 0 && load.underWay.neighbours === 0;
      }, 'nothing under way');
      assert.equal((await status()).ready, true);
      assert.doesNotMatch(federation.logged.join('\n'), new RegExp(SECRET));
    });
  }

  it('answers all of them afterwards', async () => {
    assert.equal((await viewer.ask(PATIENT, search)).status, 200);
    assert.equal((await viewer.send('/feeds/fhir/Encounter', { ...post, body })).status, 200);
    assert.equal((await london.send(REGION, await london.query(REGION, PATIENT))).status, 200);
  });
});
