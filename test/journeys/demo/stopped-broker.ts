import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

import { EDGE_NUMBERS } from '../../../src/demo/stories.ts';
import { SYSTEM } from '../../../src/fhir/codes.ts';
import type { Bundle, Resource } from '../../../src/fhir/resource.ts';
import { askUntil, DemoViewer, type RunningDemo } from '../../support/running-demo.ts';
import { matchesOf, rollCallOf, warningsOf } from '../../support/viewer.ts';

/** Nobody knows where home is, so all three neighbours are asked; the west Midlands holds something. */
const NHS_NUMBER = EDGE_NUMBERS.withoutPractice;
const QUESTION = `/fhir/Condition?patient=${NHS_NUMBER}`;

const BUDGET_MS = 5_000;
/** What a busy machine may add to the end of the budget. */
const SLACK_MS = 1_500;
/** How long a circuit stays open before the region is tried again. */
const RESET_MS = 5_000;
/** As many as the breaker wants to see before it judges. */
const AT_ONCE = 6;

/** One region's broker stops in the middle of its work: its kernel still takes connections, nobody answers. */
export function stoppedBroker(demo: () => RunningDemo): void {
  describe("london's broker is stopped", () => {
    let viewer: DemoViewer;
    const ask = () => viewer.ask(NHS_NUMBER, QUESTION);
    let whole: Resource;

    before(async () => {
      viewer = new DemoViewer('herts-west-essex');
      whole = (await ask()).resource;
      demo().signal('london', 'broker', 'SIGSTOP');
    });
    after(() => demo().signal('london', 'broker', 'SIGCONT'));

    it('is answered within the budget by the others, and streamed by them at once', async () => {
      assert.equal(rollCallOf(whole)['london']?.[0], 'none');
      const streaming = viewer.stream(NHS_NUMBER, QUESTION);
      const replies = await Promise.all(Array.from({ length: AT_ONCE }, ask));
      for (const { status, resource, ms } of replies) {
        assert.equal(status, 200);
        assert.ok(ms < BUDGET_MS + SLACK_MS, `${ms} ms`);
        assert.deepEqual(rollCallOf(resource)['london'], ['not-reached', 'ask-all', 'timeout']);
        assert.deepEqual(warningsOf(resource), ['timeout london not-reached timeout']);
        assert.deepEqual(othersOf(resource), othersOf(whole));
        assert.equal('total' in resource, false);
      }

      const events = await streaming;
      const end = events.at(-1);
      assert.equal(end?.event, 'end');
      assert.ok(end.ms > BUDGET_MS - SLACK_MS, `${end.ms} ms`);
      const arrived = new Map(events.slice(0, -1).map((event) => [regionOf(event.data), event.ms]));
      assert.deepEqual([...arrived.keys()].sort(), ['essex-suffolk', 'london', 'west-midlands']);
      for (const region of ['essex-suffolk', 'west-midlands']) {
        assert.ok((arrived.get(region) ?? end.ms) < end.ms / 2, `${region}: ${arrived.get(region)} ms`);
      }
    });

    it('then the circuit is open: as fast as without london, and never "not asked"', async () => {
      // The breaker judges the last ten seconds: what was answered in them holds it closed a little longer.
      const open = await askUntil(ask, ({ resource }) => reasonOf(resource) === 'circuit-open', 25_000);
      assert.equal(reasonOf(open.resource), 'circuit-open');
      // Longer than the circuit stays open: when it is tried again, no clinician waits for that.
      for (const until = performance.now() + RESET_MS + 1_500; performance.now() < until; await sleep(200)) {
        const { resource, ms } = await ask();
        assert.ok(ms < SLACK_MS, `${ms} ms`);
        assert.deepEqual(rollCallOf(resource)['london'], ['not-reached', 'ask-all', 'circuit-open']);
        assert.deepEqual(warningsOf(resource), ['incomplete london not-reached circuit-open']);
        assert.deepEqual(othersOf(resource), othersOf(whole));
      }
    });

    it('goes on: it is asked again by itself', async () => {
      demo().signal('london', 'broker', 'SIGCONT');
      const { resource } = await askUntil(ask, (reply) => warningsOf(reply.resource).length === 0, 15_000);
      assert.deepEqual(rollCallOf(resource), rollCallOf(whole));
      assert.deepEqual(warningsOf(resource), []);
      assert.equal((resource as Bundle)['total'], (whole as Bundle)['total']);
    });
  });
}

function reasonOf(resource: Resource): string | undefined {
  return rollCallOf(resource)['london']?.at(-1);
}

/** Everything but London's part of the answer. */
function othersOf(resource: Resource) {
  const { london: _, ...others } = rollCallOf(resource);
  const found = matchesOf(resource).map(({ fullUrl }) => fullUrl);
  assert.ok(found.length > 0);
  return { others, found };
}

function regionOf(resource: Resource): string {
  return resource.meta?.tag?.find((tag) => tag.system === SYSTEM.region)?.code ?? '';
}
