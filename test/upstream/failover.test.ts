import assert from 'node:assert/strict';

import { openLinkChecks } from '../../src/broker.ts';
import { loadSecrets } from '../../src/config/secrets.ts';
import type { DestinationStatus } from '../../src/upstream/destination.ts';
import { PATIENT, smallData } from '../requesting/small-data.ts';
import { auditRows } from '../requesting/audit-rows.ts';
import { startFederation, type RawConfig, type TestFederation } from '../support/federation.ts';
import { LinkGate } from '../support/link-gate.ts';
import { until } from '../support/until.ts';
import { rollCallOf, TestViewer } from '../support/viewer.ts';

const OURS = 'herts-west-essex';
const RESET_MS = 50;

describe('a neighbour with two endpoints', () => {
  let federation: TestFederation;
  let viewer: TestViewer;
  let gates: LinkGate[];
  let urls: string[];
  before(async () => {
    gates = await Promise.all([LinkGate.open(), LinkGate.open()]);
    urls = gates.map(({ port }) => `https://127.0.0.1:${port}`);
    federation = await startFederation({
      data: smallData(),
      regions: [OURS, 'london'],
      edit: (region, config) => {
        if (region === 'london') {
          const { listeners } = config as { listeners: { federation: { port: number } } };
          for (const gate of gates) gate.leadTo(listeners.federation.port);
          [config['federation_base'], config['federation_alternates']] = [urls[0], urls.slice(1)];
        } else {
          const all = config['neighbours'] as RawConfig[];
          const london = all.find((one) => one['region'] === 'london') ?? {};
          // One failure in a hundred would open it, so that each that counts is seen.
          london['breaker'] = {
            volume_threshold: 1,
            error_percentage: 1,
            reset_ms: RESET_MS,
            probe_ms: 2_000,
          };
        }
      },
    });
    viewer = new TestViewer(federation, OURS);
  });
  after(async () => {
    viewer.close();
    await federation.stop();
    for (const gate of gates) gate.close();
  });

  async function london(): Promise<DestinationStatus> {
    const { destinations } = await federation.broker(OURS).status();
    const found = (destinations as DestinationStatus[]).find(({ name }) => name === 'london');
    assert.ok(found !== undefined);
    return found;
  }
  const outcome = async (): Promise<readonly string[] | undefined> =>
    rollCallOf((await viewer.ask(PATIENT, `/fhir/Condition?patient=${PATIENT}`)).body)['london'];

  it('is asked at the first, and each is checked', async () => {
    assert.equal((await outcome())?.[0], 'answered');
    const { endpoint, avoided } = await london();
    assert.deepEqual([endpoint, avoided], [urls[0], []]);

    const config = federation.config(OURS);
    const checks = await openLinkChecks(config, loadSecrets(config.secretsDirectory));
    const steps = await checks.check('london');
    const at = (url: string | undefined, name: string) =>
      steps.filter(({ step, endpoint }) => step === name && endpoint === url).map(({ result }) => result);
    assert.deepEqual(
      [at(undefined, 'ping'), at(urls[1], 'ping'), at(urls[1], 'statement')],
      [['held'], ['held'], []],
    );
    gates[1]?.cut();
    const failed = (await checks.check('london')).filter(({ result }) => result === 'failed');
    gates[1]?.mend();
    assert.deepEqual(
      failed.map(({ endpoint }) => endpoint),
      [urls[1]],
    );
  });

  it('is asked at the other where the first is down, and nobody misses anything', async () => {
    gates[0]?.cut();
    const before = (await auditRows(federation, OURS)).length;
    const answers = await Promise.all(Array.from({ length: 8 }, () => outcome()));
    assert.deepEqual(new Set(answers.map((one) => one?.[0])), new Set(['answered']));
    const { endpoint, avoided, circuit, window } = await london();
    assert.deepEqual([endpoint, avoided, circuit, window.failed], [urls[1], [urls[0]], 'closed', 0]);
    // From then on nothing is tried at the first but by our own probe.
    assert.equal((await outcome())?.[0], 'answered');
    const rows = (await auditRows(federation, OURS)).slice(before);
    const repeated = rows.filter((row) => row.region === 'london' && row.retry_of !== undefined).length;
    assert.ok(repeated > 0 && repeated <= 8);
  });

  it('is asked at the first again when that is back', async () => {
    gates[0]?.mend();
    await until(async () => (await london()).endpoint === urls[0], 'its return');
    assert.equal((await outcome())?.[0], 'answered');
    assert.deepEqual((await london()).avoided, []);
  });

  it('is not reached where both are down, opens its circuit, and comes back by itself', async () => {
    for (const gate of gates) gate.cut();
    assert.equal((await outcome())?.[0], 'not-reached');
    assert.deepEqual((await outcome())?.slice(-1), ['circuit-open']);
    gates[1]?.mend();
    await until(async () => (await london()).circuit === 'closed', 'its return');
    assert.equal((await london()).endpoint, urls[1]);
    assert.equal((await outcome())?.[0], 'answered');
  });
});
