import assert from 'node:assert/strict';
import { join } from 'node:path';

import { routeCommand } from '../../src/cli/route.ts';
import { startFederation, type TestFederation } from '../support/federation.ts';
import { ScriptedPds } from '../support/scripted-pds.ts';
import { called } from './in-process.ts';

const HOME = 'herts-west-essex';

describe('wayleave route, beside a broker', () => {
  const pds = new ScriptedPds();
  const [patient = ''] = pds.patients('9990042000', ['F81027']);
  let federation: TestFederation;
  before(async () => {
    federation = await startFederation({ demographics: pds.listener, regions: [HOME] });
  });
  after(() => federation.stop());
  beforeEach(() => {
    pds.isDown = false;
  });

  const route = (...words: string[]) =>
    called(routeCommand, [patient, '--config', join(federation.directory, `${HOME}.yaml`), ...words]);
  const routeOf = async (): Promise<Record<string, unknown>> =>
    JSON.parse((await route('--json')).out) as Record<string, unknown>;

  it('says of a patient who was told as restricted that this is so while demographics are away', async () => {
    pds.told.set(patient, 'restricted');
    assert.deepEqual((await routeOf())['rules'], ['restricted']);
    pds.isDown = true;
    const { registration, home, rules, regions } = await routeOf();
    assert.deepEqual(
      [registration, home, rules],
      [{ outcome: 'restricted-before' }, [], ['restricted-before']],
    );
    assert.ok((regions as { ask: boolean; reason: string }[]).every((one) => one.reason === 'restricted'));
    const { code, out } = await route();
    assert.equal(code, 0);
    assert.match(out, /nothing that can be used now; before that, a restricted patient/);
  });
});
