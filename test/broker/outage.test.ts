import assert from 'node:assert/strict';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { REGION_IDS, type RegionId } from '../../src/demo/places.ts';
import { startFederation, type RawConfig, type TestFederation } from '../support/federation.ts';
import { LinkGate } from '../support/link-gate.ts';
import { newSigningKey, signAnew } from '../support/statement.ts';
import { until } from '../support/until.ts';
import { rollCallOf, TestViewer } from '../support/viewer.ts';

const MINUTE_MS = 60_000;
/** Who asks, for whom, and which region then has a reason to be asked. */
const QUESTIONS: readonly (readonly [RegionId, string, RegionId])[] = [
  ['herts-west-essex', '9990000018', 'london'],
  ['london', '9990000026', 'herts-west-essex'],
  ['herts-west-essex', '9990000042', 'west-midlands'],
];

describe('an hour in which no broker reaches another', () => {
  let federation: TestFederation;
  let ahead = 0;
  const gates: LinkGate[] = [];
  const announced = new Map<string, number>();
  const viewers = new Map<RegionId, TestViewer>();
  before(async () => {
    for (let each = 0; each < 2 * REGION_IDS.length; each += 1) gates.push(await LinkGate.open());
    federation = await startFederation({
      now: () => Date.now() + ahead,
      edit: (region, config) => {
        const own = REGION_IDS.indexOf(region) * 2;
        config['federation_base'] = through(gates[own], config, 'federation');
        config['statement_base'] = through(gates[own + 1], config, 'statement');
      },
    });
    for (const region of REGION_IDS) viewers.set(region, new TestViewer(federation, region));
  });
  after(async () => {
    for (const viewer of viewers.values()) viewer.close();
    await federation.stop();
    for (const gate of gates) gate.close();
  });

  function through(gate: LinkGate | undefined, config: RawConfig, listener: string): string {
    const { port } = (config['listeners'] as Record<string, { port: number }>)[listener] ?? assert.fail();
    gate?.leadTo(port);
    return `https://127.0.0.1:${gate?.port}`;
  }
  const ask = async ([from, patient, to]: (typeof QUESTIONS)[number]): Promise<string | undefined> => {
    const viewer = viewers.get(from) ?? assert.fail();
    const token = await viewer.token(patient, {}, { now: Date.now() + ahead });
    const { status, body } = await viewer.ask(patient, `/fhir/Condition?patient=${patient}`, { token });
    // With nobody else to ask there is no answer at all, and never an empty one.
    return status === 504 ? 'not-reached' : rollCallOf(body)[to]?.[0];
  };
  const neighboursAt = (region: RegionId) =>
    federation
      .broker(region)
      .trust.list()
      .neighbours.filter((one) => one.region !== region);
  const put = (region: RegionId, name: string, text: string): void => {
    const file = join(federation.directory, 'keys', region, 'private', name);
    writeFileSync(`${file}.new`, text, { mode: 0o600 });
    renameSync(`${file}.new`, file);
  };
  /** A region whose message key changes while nobody hears of it. */
  const changeKey = async (region: RegionId): Promise<void> => {
    const [next, secret] = newSigningKey();
    const sequence = await signAnew(federation, region, () => ({ message_keys: [next] }));
    put(region, 'message.jwk.json', secret);
    await until(async () => (await federation.broker(region).status()).own.statement === sequence, region);
    announced.set(region, sequence);
  };

  it('is told as not reached, and over without a restart: statements that changed meanwhile are fetched', async () => {
    for (const question of QUESTIONS) assert.equal(await ask(question), 'answered');
    for (const gate of gates) gate.cut();
    for (const region of REGION_IDS) await changeKey(region);
    for (let minutes = 0; minutes < 60; minutes += 10) {
      ahead += 10 * MINUTE_MS;
      for (const question of QUESTIONS) assert.equal(await ask(question), 'not-reached');
    }
    await until(
      () =>
        REGION_IDS.every((region) =>
          neighboursAt(region).every(({ refresh }) => refresh.fault !== undefined),
        ),
      'a fault at each',
    );

    for (const gate of gates) gate.mend();
    ahead += 20 * MINUTE_MS;
    await until(
      () =>
        REGION_IDS.every((region) =>
          neighboursAt(region).every((one) => one.statement?.sequence === announced.get(one.region)),
        ),
      'every new statement',
    );
    for (const question of QUESTIONS) {
      await until(async () => (await ask(question)) === 'answered', question.join(' '));
    }
    for (const region of REGION_IDS) {
      assert.deepEqual(
        neighboursAt(region).map(({ refresh }) => refresh.fault),
        neighboursAt(region).map(() => undefined),
      );
    }
  });
});
