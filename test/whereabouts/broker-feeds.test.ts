import assert from 'node:assert/strict';

import { openStore } from '../../src/broker.ts';
import { countIndex } from '../../src/whereabouts/walk-index.ts';
import { called } from '../cli/in-process.ts';
import { statusCommand } from '../../src/cli/status.ts';
import { startFederation } from '../support/federation.ts';
import { until } from '../support/until.ts';

const RECORD = 'london-care-record';

describe('a broker that polls its own record', () => {
  it('fills its index from the record, shows it in the status, and stops with the broker', async () => {
    const federation = await startFederation({
      regions: ['london'],
      edit: (_region, config) => {
        config['care_locations'] = { polling: [{ record: RECORD, every_ms: 1_000, since: '2026-11-01' }] };
      },
    });
    const config = federation.config('london');
    const status = async () => (await federation.broker('london').status()).feeds.polling[0];
    await until(async () => (await status())?.last !== undefined, 'a round');
    const polled = await status();
    assert.deepEqual([polled?.record, polled?.fault], [RECORD, undefined]);
    assert.ok((polled?.encounters ?? 0) > 0, 'the record has Encounters');
    const { out } = await called(statusCommand, ['--config', config.source]);
    assert.match(out, new RegExp(`care locations from +${RECORD} +in order`));
    const store = await openStore(config);
    const { sources } = await countIndex(store.careLocations);
    await store.close();
    assert.ok(sources.some(({ source }) => source === RECORD));
    await federation.stop();
  });
});
