import assert from 'node:assert/strict';

import { recordsOf } from '../../../src/demo/places.ts';
import { askUntil, DemoViewer, isRunning, pidOf, type RunningDemo } from '../../support/running-demo.ts';
import { matchesOf, rollCallOf, warningsOf } from '../../support/viewer.ts';

const NHS_NUMBER = '9990000042';
const QUESTION = `/fhir/Patient/${NHS_NUMBER}/$everything`;

/** One of the two suppliers' records behind the west Midlands stops: the region goes on with the other. */
export function stoppedRecord(demo: () => RunningDemo): void {
  describe('one of the two records of west-midlands is stopped', () => {
    let viewer: DemoViewer;
    before(() => {
      viewer = new DemoViewer('herts-west-essex');
    });
    const ask = () => viewer.ask(NHS_NUMBER, QUESTION);
    const records = recordsOf('west-midlands');

    for (const stopped of records) {
      it(`${stopped}: partial, the warning names it, and it is whole again afterwards`, async () => {
        const broker = pidOf('west-midlands', 'broker');
        const whole = await ask();
        assert.deepEqual(rollCallOf(whole.resource)['west-midlands'], ['answered', 'registered']);
        assert.deepEqual(recordsIn(matchesOf(whole.resource)), [...records].sort());

        demo().signal('west-midlands', stopped, 'SIGSTOP');
        try {
          const { status, resource } = await ask();
          assert.equal(status, 200);
          assert.deepEqual(rollCallOf(resource)['west-midlands'], [
            'partial',
            'registered',
            'record-not-reached',
          ]);
          assert.deepEqual(warningsOf(resource), [`timeout west-midlands/${stopped} not-reached timeout`]);
          assert.deepEqual(
            recordsIn(matchesOf(resource)),
            records.filter((record) => record !== stopped),
          );
          assert.equal('total' in resource, false);
        } finally {
          demo().signal('west-midlands', stopped, 'SIGCONT');
        }

        const again = await askUntil(ask, ({ resource }) => warningsOf(resource).length === 0, 15_000);
        assert.deepEqual(rollCallOf(again.resource), rollCallOf(whole.resource));
        assert.deepEqual(keysOf(again.resource), keysOf(whole.resource));
        assert.ok(isRunning(broker));
      });
    }
  });
}

function recordsIn(entries: readonly { fullUrl: string }[]): string[] {
  return [
    ...new Set(entries.map(({ fullUrl }) => /regions\/[^/]+\/([^/]+)\//.exec(fullUrl)?.[1] ?? '')),
  ].sort();
}

function keysOf(resource: Parameters<typeof matchesOf>[0]): string[] {
  return matchesOf(resource).map(({ fullUrl }) => fullUrl);
}
