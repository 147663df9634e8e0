import assert from 'node:assert/strict';

import { checkLogs } from '../faults/check-logs.ts';
import { killAndAsk } from '../faults/kills.ts';

const KILLS = 10;

describe('brokers that are killed at random moments under load', () => {
  it(`${KILLS} times: nothing that was believed or shown is missing from a log, and every log verifies`, async function () {
    this.timeout(120_000);
    const run = await killAndAsk(KILLS, 60_000, () => undefined);
    assert.ok(run.kills >= 4, `${run.kills} kills`);
    assert.ok(run.answered.length > 0);
    const { believed } = await checkLogs(run);
    assert.ok(believed > 0);
  });
});
