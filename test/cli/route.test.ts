import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';

import type { PatientReport } from '../../src/audit/questions/patient-report.ts';
import { openStore } from '../../src/broker.ts';
import { auditCommand } from '../../src/cli/audit.ts';
import { routeCommand } from '../../src/cli/route.ts';
import { readAudit, type AuditRow } from '../support/audit.ts';
import { wayleave } from '../support/command.ts';
import { startFederation, type RawConfig, type TestFederation } from '../support/federation.ts';
import { ScriptedPds } from '../support/scripted-pds.ts';
import { called } from './in-process.ts';

const HOME = 'herts-west-essex';

describe('wayleave route, beside a broker', () => {
  const pds = new ScriptedPds();
  const [patient = '', other = '', current = ''] = pds.patients('9990042000', Array(3).fill('F81027'));
  let federation: TestFederation;
  before(async () => {
    federation = await startFederation({ demographics: pds.listener, regions: [HOME] });
  });
  after(() => federation.stop());
  beforeEach(() => {
    pds.isDown = false;
  });

  const file = (): string => join(federation.directory, `${HOME}.yaml`);
  const route = (...words: string[]) => called(routeCommand, [patient, '--config', file(), ...words]);
  const keptSince = async (length: number): Promise<AuditRow[]> =>
    (await readAudit(federation.config(HOME))).slice(length);
  const entries = async (): Promise<number> => (await keptSince(0)).length;
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

  it('is in the log before it prints, beside a broker: who looked, and what was shown, is sealed', async () => {
    const before = await entries();
    const words = ['--config', file(), '--at', '2026-06-01', '--json'];
    const { code, out, err } = await wayleave('route', other, ...words);
    assert.equal(code, 0, err);
    const { regions, rules } = JSON.parse(out) as Record<string, unknown>;
    const [kept, ...more] = await keptSince(before);
    assert.deepEqual([kept?.event, more.length], ['route-shown', 0]);
    assert.deepEqual(kept?.detail, { viewer: 'hwe-viewer', at: '2026-06-01T00:00:00.000Z' });
    const { plan = '', ...values } = kept?.values ?? {};
    assert.deepEqual(values, { nhs_number: other, admin: userInfo().username });
    assert.deepEqual(JSON.parse(plan), { regions, rules });
    const { values: _sealed, ...open } = kept ?? {};
    assert.doesNotMatch(JSON.stringify(open), /999\d{7}|F81027/);
  });

  it('is under the current number where the one that was asked for was replaced, and names both', async () => {
    const [older = ''] = pds.patients('9990043000', [{ current, practice: 'F81027' }]);
    const before = await entries();
    assert.equal((await called(routeCommand, [older, '--config', file()])).code, 0);
    const [kept] = await keptSince(before);
    assert.deepEqual([kept?.values['nhs_number'], kept?.values['superseded']], [current, older]);
  });

  it('is in the patient’s report as what it is: no access, and no search of the log', async () => {
    const [reported = ''] = pds.patients('9990044000', ['F81027']);
    for (let nth = 0; nth < 2; nth += 1) await called(routeCommand, [reported, '--config', file()]);
    const report = ['report', '--patient', '-', '--config', file()];
    const { out } = await called(auditCommand, [...report, '--json'], reported);
    const { lookUps, enquiries, accesses } = JSON.parse(out) as PatientReport;
    assert.deepEqual(
      lookUps.map(({ event }) => event),
      ['route-shown', 'route-shown'],
    );
    assert.deepEqual([enquiries, accesses], [[], []]);
    assert.match((await called(auditCommand, report, reported)).out, /looked up where .* 2 times/);
    const before = await called(auditCommand, [...report, '--to', '2001-01-01', '--json'], reported);
    assert.deepEqual((JSON.parse(before.out) as PatientReport).lookUps, []);
  });

  /** The region's file with another store or another reserve. */
  function changed(change: RawConfig): string {
    const name = join(federation.directory, `${HOME}-changed.yaml`);
    writeFileSync(name, stringify({ ...(parse(readFileSync(file(), 'utf8')) as RawConfig), ...change }));
    return name;
  }

  it('shows nothing where the log cannot be written', async () => {
    const before = await entries();
    const words = [patient, '--config', changed({ store_reserve_mb: 1_000_000_000 }), '--json'];
    const { code, out, err } = await called(routeCommand, words);
    assert.deepEqual([code, out], [1, '']);
    assert.doesNotMatch(err, /999\d{7}/);
    assert.equal(await entries(), before);
  });

  it('asks nobody and shows nothing on a store that is closed', async () => {
    const closed = `sqlite:${join(federation.directory, 'closed.db')}`;
    const store = await openStore({ store: closed });
    await store.state.close({ since: 1, why: 'restored', detail: '{}' });
    await store.close();
    const before = pds.asked.length;
    const { code, out, err } = await called(routeCommand, [patient, '--config', changed({ store: closed })]);
    assert.deepEqual([code, out, pds.asked.length], [1, '', before]);
    assert.match(err, /trust confirm/);
  });
});
