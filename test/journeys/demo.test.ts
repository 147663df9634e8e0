import assert from 'node:assert/strict';

import { RunningDemo } from '../support/running-demo.ts';
import { accessReport } from './demo/access-report.ts';
import { BundlesToLoad } from './demo/bundles.ts';
import { clients } from './demo/clients.ts';
import { everything } from './demo/everything.ts';
import { fifthRegion } from './demo/fifth-region.ts';
import { logs } from './demo/logs.ts';
import { stoppedBroker } from './demo/stopped-broker.ts';
import { stoppedRecord } from './demo/stopped-record.ts';
import { stories } from './demo/stories.ts';
import { supervisor } from './demo/supervisor.ts';

/** The demo has fixed ports, so that all that starts it is here; its logs are read last. */
describe('the four regions, every broker and record a process of its own', function () {
  this.timeout(90_000);
  const bundles = new BundlesToLoad();
  let demo: RunningDemo | undefined;
  const running = (): RunningDemo => {
    assert.ok(demo);
    return demo;
  };
  before(async () => {
    demo = await RunningDemo.start('--records', bundles.directory());
  });
  after(async () => {
    await demo?.stop();
    bundles.remove();
  });

  stories();
  clients();
  everything(() => bundles.directory());
  accessReport(running);
  stoppedBroker(running);
  stoppedRecord(running);
  fifthRegion();
  logs();
});

describe('the supervisor of the demo', function () {
  this.timeout(90_000);
  supervisor();
});
