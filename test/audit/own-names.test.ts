import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { Checkpoints } from '../../src/audit/witnessing/checkpoints.ts';
import { openStore } from '../../src/broker.ts';
import { StartError } from '../../src/errors.ts';
import { startFederation, type TestFederation } from '../support/federation.ts';
import { newSecretKey, signAnew } from '../support/statement.ts';
import { keyOf } from './evidence-of.ts';

describe('the start holds our keys and our log against our own statement', () => {
  let federation: TestFederation;
  beforeEach(async () => (federation = await startFederation({ regions: ['london'] })));
  afterEach(() => federation.stop());

  const refusedFor = (what: RegExp) =>
    assert.rejects(
      federation.startBroker('london'),
      (error) => error instanceof StartError && what.test(error.message),
    );
  /** A checkpoint of all that the broker wrote, signed by the log key that the secrets hold now. */
  const signHead = async (): Promise<void> => {
    const store = await openStore(federation.config('london'));
    const origin = 'london.wayleave.example/log/1';
    const key = await keyOf(federation, 'london', 'log');
    const own = { log: store.log, checkpoints: store.checkpoints, origin, key, now: Date.now };
    await new Checkpoints(own).sign();
    await store.close();
  };

  it('goes on after the log key was rotated, while the statement lists the former one too', async () => {
    await signHead();
    await federation.stopBroker('london');
    const key = newSecretKey(federation, 'london', 'log');
    await signAnew(federation, 'london', ({ log_keys: former }) => ({ log_keys: [key, ...former] }));
    await federation.startBroker('london');
  });

  it('and when it lists it no more: a broker keeps the statement of the time when it did', async () => {
    await signHead();
    await federation.stopBroker('london');
    const key = newSecretKey(federation, 'london', 'log');
    await signAnew(federation, 'london', () => ({ log_keys: [key] }));
    await federation.startBroker('london');
  });

  it('takes no checkpoint that a key signed which no statement of ours ever listed', async () => {
    const file = join(federation.directory, 'keys/london/private/log.jwk.json');
    const ours = readFileSync(file);
    newSecretKey(federation, 'london', 'log');
    await signHead();
    writeFileSync(file, ours);
    await federation.stopBroker('london');
    await refusedFor(/broken at entry \d+ \(checkpoint\)/);
  });

  it('says that the statement does not list the log key, the witness key, or both', async () => {
    await federation.stopBroker('london');
    newSecretKey(federation, 'london', 'log');
    await refusedFor(/`log_keys`/);
    newSecretKey(federation, 'london', 'witness');
    await refusedFor(/`log_keys`.*`witness_keys`/);
  });

  it('is not deceived by a key that has only the name of the one that is listed', async () => {
    await federation.stopBroker('london');
    let kid = '';
    await signAnew(federation, 'london', (broker) => {
      kid = broker.witness_keys[0]?.kid ?? '';
      return {};
    });
    newSecretKey(federation, 'london', 'witness', kid);
    await refusedFor(/`witness_keys`/);
  });

  it('says that the statement does not list our log', async () => {
    await federation.stopBroker('london');
    await signAnew(federation, 'london', () => ({ logs: ['london.wayleave.example/log/other'] }));
    await refusedFor(/london\.wayleave\.example\/log\/1/);
  });
});
