import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

import type { RawConfig } from '../support/federation.ts';
import { matchesOf, rollCallOf, warningsOf } from '../support/viewer.ts';
import { AskedOfLiars } from './asked-of-liars.ts';
import { aCondition, type Behaviour, type LyingLondon } from './lying-london.ts';
import { PATIENT } from './small-data.ts';

/** What Hertfordshire waits for London, and how much quicker an answer is that did not wait. */
const TIMEOUT_MS = 1500;
const AT_ONCE_MS = 1000;
const THRESHOLD = 3;
const BREAKER = { volume_threshold: THRESHOLD, error_percentage: 50, reset_ms: 300, probe_ms: 300 };
const NEVER: Behaviour = () => undefined;

async function timed<Result>(work: () => Promise<Result>): Promise<[Result, number]> {
  const started = performance.now();
  return [await work(), performance.now() - started];
}

/** Waits for what must come by itself, for at most five seconds. */
async function eventually(check: () => Promise<boolean>): Promise<void> {
  const until = performance.now() + 5000;
  while (!(await check())) {
    assert.ok(performance.now() < until, 'it did not come by itself');
    await sleep(30);
  }
}

const threeTimes = (asked: AskedOfLiars) => Promise.all(Array.from({ length: THRESHOLD }, () => asked.ask()));

describe('a neighbour that never answers', () => {
  let asked: AskedOfLiars;
  let london: LyingLondon;
  before(async () => {
    asked = await AskedOfLiars.start({ timeout_ms: TIMEOUT_MS, breaker: BREAKER });
    ({ london } = asked);
    london.hello = () => undefined;
  });
  after(() => asked.stop());

  it('takes its own timeout of the budget, and the others are there', async () => {
    london.behaviour = NEVER;
    const [replies, ms] = await timed(() => threeTimes(asked));
    assert.ok(ms < 5000, `${ms} ms`);
    for (const { status, body } of replies) {
      assert.equal(status, 200);
      assert.deepEqual(rollCallOf(body)['london'], ['not-reached', 'care-location', 'timeout']);
      assert.equal(matchesOf(body).length, 1);
    }
  });

  it('costs nothing any more once its circuit is open, and is not reached, never not asked', async () => {
    const heard = london.heard.length;
    const [{ status, body }, ms] = await timed(() => asked.ask());
    assert.equal(status, 200);
    assert.ok(ms < AT_ONCE_MS, `${ms} ms`);
    assert.deepEqual(rollCallOf(body)['london'], ['not-reached', 'care-location', 'circuit-open']);
    assert.deepEqual(warningsOf(body), ['incomplete london not-reached circuit-open']);
    assert.equal('total' in body, false);
    assert.equal(london.heard.length, heard);
  });

  it('shows as open in the status, and nobody else does', async () => {
    const { destinations } = await asked.federation.broker('herts-west-essex').status();
    const circuits = destinations.map(({ kind, name, circuit }) => [
      `${kind} ${name}`,
      circuit === 'closed' ? 'closed' : 'not closed',
    ]);
    assert.deepEqual(Object.fromEntries(circuits), {
      'demographics demographics': 'closed',
      'record hwe-shared-care-record': 'closed',
      'neighbour london': 'not closed',
      'neighbour essex-suffolk': 'closed',
      'neighbour west-midlands': 'closed',
    });
  });

  it('stays open while the probe fails, and the probe is never a clinician’s question', async () => {
    const heard = london.heard.length;
    let probes = 0;
    london.hello = () => void (probes += 1);
    await eventually(async () => probes >= 2);
    const { body } = await asked.ask();
    assert.deepEqual(rollCallOf(body)['london'], ['not-reached', 'care-location', 'circuit-open']);
    assert.equal(london.heard.length, heard);
  });

  it('is asked again by itself when it recovers', async () => {
    london.behaviour = (heard) => london.genuine(heard);
    london.hello = (response) => void response.writeHead(204).end();
    await eventually(async () => (await asked.circuit()).circuit === 'closed');
    const { body } = await asked.ask();
    assert.deepEqual(rollCallOf(body)['london'], ['answered', 'care-location']);
    assert.equal(body['total'], 2);
  });
});

describe('what opens a circuit, and what does not', () => {
  let asked: AskedOfLiars;
  let london: LyingLondon;
  before(async () => {
    // One failure in a hundred is too many here, so that each case is judged by itself.
    const breaker = { ...BREAKER, error_percentage: 1 };
    asked = await AskedOfLiars.start({ timeout_ms: TIMEOUT_MS, breaker });
    ({ london } = asked);
  });
  after(() => asked.stop());
  beforeEach(async () => {
    london.hello = (response) => void response.writeHead(204).end();
    await eventually(async () => (await asked.circuit()).circuit === 'closed');
    // From here on a circuit that opens stays open.
    london.hello = () => undefined;
  });

  const html = (status: number): Behaviour => {
    return () => ({ status, body: '<html></html>', type: 'text/html' });
  };
  const signedRefusal =
    (reason: string): Behaviour =>
    async (heard) => {
      const claims = { outcome: 'refused', status: 403, reason, sources: undefined };
      return { ...(await london.believable(heard, { claims })), status: 403 };
    };

  const CLOSED: Record<string, () => Behaviour> = {
    'a good answer': () => (heard) => london.genuine(heard),
    'an unsigned refusal': () => html(403),
    'an unsigned "not found"': () => html(404),
    'a signed policy refusal': () => signedRefusal('role-not-agreed'),
    'a signed refusal of our message': () => signedRefusal('not-fresh'),
  };
  for (const [what, behaviour] of Object.entries(CLOSED)) {
    it(`is not opened by ${what}`, async () => {
      london.behaviour = behaviour();
      await threeTimes(asked);
      await asked.ask();
      const { circuit, window } = await asked.circuit();
      assert.deepEqual([circuit, window.failed], ['closed', 0]);
    });
  }

  it('is not opened by viewers who hang up', async () => {
    london.behaviour = NEVER;
    for (let at = 0; at <= THRESHOLD; at += 1) {
      const heard = london.heard.length;
      const hangUp = new AbortController();
      const path = `/fhir/Condition?patient=${PATIENT}`;
      const asking = asked.viewer.ask(PATIENT, path, { signal: hangUp.signal });
      await eventually(async () => london.heard.length > heard);
      hangUp.abort();
      await assert.rejects(asking);
    }
    const { circuit, window } = await asked.circuit();
    assert.deepEqual([circuit, window.failed], ['closed', 0]);
  });

  it('is not opened by viewers who cannot wait', async () => {
    london.behaviour = NEVER;
    const path = `/fhir/Condition?patient=${PATIENT}`;
    const hurried = { headers: { Prefer: 'wait=0.3' } };
    for (let at = 0; at <= THRESHOLD; at += 1) {
      const { body } = await asked.viewer.ask(PATIENT, path, hurried);
      assert.deepEqual(rollCallOf(body)['london'], ['not-reached', 'care-location', 'timeout']);
    }
    const { circuit, window } = await asked.circuit();
    assert.deepEqual([circuit, window.failed], ['closed', 0]);
  });

  const OPEN: Record<string, () => Behaviour> = {
    'an answer that is not believed': () => (heard) =>
      london.believable(heard, { claims: { query_digest: 'A'.repeat(43) } }),
    'an answer that is about nobody': () => (heard) => london.believable(heard, { entries: [aCondition()] }),
    'an unsigned answer': () => html(200),
    'an error': () => html(500),
    'being busy': () => html(503),
    'hanging up': () => (_heard, response) => void response.destroy(),
  };
  for (const [what, behaviour] of Object.entries(OPEN)) {
    it(`is opened by ${what}, and no other is`, async () => {
      london.behaviour = behaviour();
      await threeTimes(asked);
      await asked.assertNotReached('circuit-open', 'circuit-open');
      assert.notEqual((await asked.circuit()).circuit, 'closed');
      assert.equal((await asked.circuit('essex-suffolk')).circuit, 'closed');
    });
  }
});

describe('a signed refusal', () => {
  it('is withheld where the agreement says no, and not reached where our message was refused', async () => {
    const asked = await AskedOfLiars.start();
    const outcomes: Record<string, string[]> = {};
    for (const reason of ['role-not-agreed', 'no-agreement', 'outside-coverage', 'not-fresh', 'replayed']) {
      asked.london.behaviour = async (heard) => {
        const claims = { outcome: 'refused', status: 403, reason, sources: undefined };
        return { ...(await asked.london.believable(heard, { claims })), status: 403 };
      };
      outcomes[reason] = rollCallOf((await asked.ask()).body)['london'] ?? [];
    }
    assert.deepEqual(outcomes, {
      'role-not-agreed': ['withheld', 'care-location', 'agreement'],
      'no-agreement': ['withheld', 'care-location', 'agreement'],
      'outside-coverage': ['withheld', 'care-location', 'agreement'],
      'not-fresh': ['not-reached', 'care-location', 'refused'],
      replayed: ['not-reached', 'care-location', 'refused'],
    });
    await asked.stop();
  });
});

describe('a neighbour’s bulkhead', () => {
  it('refuses one call too many at once as busy, and takes the next when there is room', async () => {
    const asked = await AskedOfLiars.start({ breaker: { ...BREAKER, error_percentage: 1, capacity: 2 } });
    const { london } = asked;
    const let2go = Promise.withResolvers<void>();
    london.behaviour = async (heard) => {
      await let2go.promise;
      return london.genuine(heard);
    };
    const held = [asked.ask(), asked.ask()];
    await eventually(async () => london.heard.length === 2);
    for (let at = 0; at <= THRESHOLD; at += 1) await asked.assertNotReached('busy', 'bulkhead-full');
    // Nothing failed there: what is full is ours, and no circuit opens for it.
    assert.equal((await asked.circuit()).circuit, 'closed');
    let2go.resolve();
    for (const { body } of [...(await Promise.all(held)), await asked.ask()]) {
      assert.deepEqual(rollCallOf(body)['london'], ['answered', 'care-location']);
    }
    await asked.stop();
  });
});

describe('a region that never answers, within a budget', () => {
  /** More than a merge takes here, and no more than the budget allows. */
  const MARGIN_MS = 600;
  const BUDGET_MS = 2_000;

  it('leaves the broker time to put the answer together: the viewer has it within the budget', async () => {
    const budgets = { bundle_ms: BUDGET_MS, margin_ms: MARGIN_MS };
    const edit = (_region: string, config: RawConfig): void => void (config['budgets'] = budgets);
    const asked = await AskedOfLiars.start({}, { edit });
    try {
      await asked.ask();
      const handedDown: number[] = [];
      asked.london.behaviour = ({ request }) =>
        void handedDown.push(Number(request.headers['wayleave-budget-ms']));
      const [{ status, body }, ms] = await timed(() => asked.ask());
      assert.equal(status, 200);
      assert.deepEqual(rollCallOf(body)['london'], ['not-reached', 'care-location', 'timeout']);
      assert.equal(matchesOf(body).length, 1);
      assert.ok(ms < BUDGET_MS, `${ms} ms`);
      assert.ok(ms > BUDGET_MS - 2 * MARGIN_MS, `${ms} ms: it gave London too little`);
      // And what London was told to have is less than we wait for it: its answer has a way home.
      const [budget = 0] = handedDown;
      assert.ok(budget > 0 && budget < BUDGET_MS - MARGIN_MS, `${budget} ms handed down`);
    } finally {
      await asked.stop();
    }
  });
});
