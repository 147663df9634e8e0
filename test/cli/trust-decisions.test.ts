import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';

import { trustCommand } from '../../src/cli/trust.ts';
import type { RegionId } from '../../src/demo/places.ts';
import type { Ran } from '../support/command.ts';
import { startFederation, type RawConfig, type TestFederation } from '../support/federation.ts';
import { statementWith } from '../support/statement.ts';
import { rollCallOf, TestViewer } from '../support/viewer.ts';
import { called } from './in-process.ts';

const PATIENT = '9990000050';
const [HWE, ESSEX, LONDON] = ['herts-west-essex', 'essex-suffolk', 'london'] as const;
const WHY = ['--reason', 'as agreed'] as const;

describe('wayleave trust, where admins decide', () => {
  let federation: TestFederation;
  let viewer: TestViewer;
  const agreements = new Map<RegionId, RawConfig>();
  before(async () => {
    federation = await startFederation({
      regions: [HWE, LONDON, ESSEX],
      edit: (region, config) => {
        if (region === LONDON) return;
        const neighbours = config['neighbours'] as RawConfig[];
        const other = neighbours.find((one) => one['region'] === (region === HWE ? ESSEX : HWE));
        agreements.set(region, other?.['agreement'] as RawConfig);
        config['neighbours'] = neighbours.filter((one) => one !== other);
      },
    });
    viewer = new TestViewer(federation, HWE);
    for (const [region, agreement] of agreements)
      writeFileSync(file(`${region}-agreement.yaml`), stringify(agreement));
  });
  after(async () => {
    viewer.close();
    await federation.stop();
  });

  const file = (...names: string[]): string => join(federation.directory, ...names);
  const as = (admin: string, words: readonly string[], region: RegionId = HWE): Promise<Ran> =>
    called(trustCommand, [
      ...words,
      ...['--config', file(`${region}.yaml`), '--as', file('keys', region, 'admins', admin)],
    ]);
  const ok = async (admin: string, words: readonly string[], region?: RegionId): Promise<string> => {
    const { code, out, err } = await as(admin, words, region);
    assert.equal(code, 0, err);
    return out;
  };
  const refused = async (admin: string, words: readonly string[], says: RegExp): Promise<void> => {
    const { code, err } = await as(admin, words);
    assert.notEqual(code, 0);
    assert.match(err, says);
    assert.doesNotMatch(err, /\n {4}at /);
  };
  const ofEssex = async (): Promise<string[] | undefined> => {
    const { body } = await viewer.ask(PATIENT, `/fhir/Condition?patient=${PATIENT}`);
    return rollCallOf(body)[ESSEX];
  };
  const served = (region: RegionId): string =>
    `https://127.0.0.1:${federation.broker(region).ports.statement}`;
  const digestOf = (says: string): string[] => ['--digest', /--digest ([\w-]{43})/.exec(says)?.[1] ?? ''];
  const wordsOf = (out: string): string => /fingerprint: (.*)/.exec(out)?.[1] ?? assert.fail();

  it('enrols a neighbour, both ways, and then it is asked', async () => {
    assert.deepEqual(await ofEssex(), ['not-asked', 'no-agreement']);
    for (const [here, there] of [
      [HWE, ESSEX],
      [ESSEX, HWE],
    ] as const) {
      const agreement = ['--agreement', file(`${here}-agreement.yaml`)];
      const proposed = await ok('officer-1', ['enrol', served(there), ...agreement, ...WHY], here);
      const words = ['--words', wordsOf(proposed).toUpperCase()];
      const shown = await as('officer-2', ['approve', there, ...words, ...WHY], here);
      await ok('officer-2', ['approve', there, ...digestOf(shown.err), '--yes', ...words, ...WHY], here);
    }
    assert.deepEqual(await ofEssex(), ['answered', 'registered']);
    assert.match(await ok('officer-1', ['list']), /essex-suffolk +trusted/);
    assert.match(await ok('officer-1', ['show', ESSEX]), /enrolled\n[^]*enrolment-approved +officer-2/);
  });

  it('shows what would be approved, and approves nothing without --yes', async () => {
    const { token } = await statementWith(federation, LONDON, () => ({ contact: 'another desk' }));
    writeFileSync(file('keys/london/public/entity-statement.jwt'), token);
    await federation.stopBroker(LONDON);
    await federation.startBroker(LONDON);
    assert.match(await ok('operator-1', ['refresh', LONDON]), /waits for approval/);
    await refused('officer-1', ['approve', LONDON, ...WHY], /Nothing was approved/);
    const { code, out, err } = await as('officer-1', ['approve', LONDON, ...WHY]);
    assert.equal(code, 2);
    await refused('officer-1', ['approve', LONDON, '--yes', ...WHY], /needs --digest/);
    assert.match(out, /WAITS for approval since .*: it changes contact/);
    await ok('officer-1', ['approve', LONDON, '--yes', ...digestOf(err), ...WHY]);
    await refused('officer-1', ['approve', LONDON, '--yes', ...WHY], /Nothing of london waits/);
  });

  it('pauses and resumes as an operator; decides whom to trust as a security officer alone', async () => {
    const until = ['--until', new Date(Date.now() + 3_600_000).toISOString()];
    assert.match(await ok('operator-1', ['pause', ESSEX, ...until, ...WHY]), /PAUSED until/);
    assert.deepEqual(await ofEssex(), ['not-reached', 'registered', 'paused']);
    await ok('operator-1', ['resume', ESSEX, ...WHY]);
    for (const words of [
      ['revoke', ESSEX],
      ['reinstate', ESSEX],
      ['decline', ESSEX],
    ]) {
      await refused('operator-1', [...words, ...WHY], /role|waits/);
    }
    await refused('operator-1', ['pause', ESSEX, '--until', 'soon', ...WHY], /--until is no time/);
    await refused('operator-1', ['pause', ESSEX, '--until', '2020-01-01', ...WHY], /bad-parameter/);
  });

  it('revokes a neighbour, a key or a certificate, and reinstates it', async () => {
    const kid = String(federation.broker(HWE).trust.show(ESSEX).neighbour?.statement?.messageKeys[0]?.kid);
    const certificate = file('keys', ESSEX, 'public/tls-client.pem');
    const WHAT = [[], ['--key', kid], ['--certificate', certificate]];
    for (const what of WHAT) {
      const out = await ok('officer-1', [
        'revoke',
        ESSEX,
        ...what,
        '--because',
        'key-compromise',
        '--since',
        '2026-01-01',
        ...WHY,
      ]);
      assert.match(out, /revoked|REVOKED/);
      assert.equal(out.includes(`wayleave notices forget ${ESSEX}`), what.length === 0);
      await refused('officer-1', ['revoke', ESSEX, ...what, ...WHY], /already-decided/);
    }
    assert.deepEqual(await ofEssex(), ['not-reached', 'registered', 'not-trusted']);
    for (const what of WHAT) await ok('officer-2', ['reinstate', ESSEX, ...what, ...WHY]);
    assert.deepEqual(await ofEssex(), ['answered', 'registered']);
    await refused(
      'officer-1',
      ['revoke', ESSEX, '--certificate', file('nothing.pem'), ...WHY],
      /names no certificate/,
    );
    await refused('officer-1', ['revoke', 'nowhere', ...WHY], /unknown-neighbour/);
  });

  it('refuses a compromise of the future, which would make what is signed until then look sound', async () => {
    const later = new Date(Date.now() + 86_400_000).toISOString();
    const words = ['revoke', ESSEX, '--because', 'key-compromise', '--since', later, ...WHY];
    await refused('officer-1', words, /--since .* is later than now/);
    const { trust } = federation.broker(HWE);
    const because = { reason: 'key-compromise', compromisedSince: Date.parse(later) } as const;
    await assert.rejects(
      trust.revoke(ESSEX, { kind: 'neighbour' }, because, { by: 'officer-1', why: 'a test' }),
      (error: Error & { code?: string }) => error.code === 'bad-parameter',
    );
    assert.equal(trust.show(ESSEX).neighbour?.state, 'trusted');
  });

  it('refuses a second enrolment of a name, by oneself, with other words, or with a wrong file', async () => {
    const agreement = ['--agreement', file(`${HWE}-agreement.yaml`)];
    await refused(
      'officer-1',
      ['enrol', served(ESSEX), ...agreement, ...WHY],
      /statement-refused: lower-sequence/,
    );
    writeFileSync(file('next.jwt'), (await statementWith(federation, ESSEX)).token);
    const proposed = await ok('officer-1', ['enrol', file('next.jwt'), ...agreement, ...WHY]);
    const { err } = await as('officer-1', ['approve', ESSEX, ...WHY]);
    await refused('officer-1', ['approve', ESSEX, '--yes', ...digestOf(err), ...WHY], /second-admin-needed/);
    const other = wordsOf(proposed).split(' ').toReversed().join(' ');
    await refused('officer-2', ['approve', ESSEX, '--yes', '--words', other, ...WHY], /word 1 differs/);
    assert.match(await ok('officer-2', ['decline', ESSEX, ...WHY]), /Declined/);
    writeFileSync(file('wrong.yaml'), 'version: 1\n');
    await refused(
      'officer-1',
      ['enrol', served(ESSEX), '--agreement', file('wrong.yaml'), ...WHY],
      /version is wrong/,
    );
    writeFileSync(file('no-statement.jwt'), 'nothing');
    await refused('officer-1', ['enrol', file('no-statement.jwt'), ...agreement, ...WHY], /malformed/);
    await refused('officer-1', ['enrol', file('not-there.jwt'), ...agreement, ...WHY], /cannot be read/);
    await refused('officer-1', ['enrol', 'https://127.0.0.1:1', ...agreement, ...WHY], /refused-connection/);
  });

  it('prints each as JSON', async () => {
    const list = JSON.parse(await ok('officer-1', ['list', '--json'])) as {
      neighbours: { region: string }[];
    };
    assert.ok(list.neighbours.some(({ region }) => region === ESSEX));
    const shown = JSON.parse(await ok('officer-1', ['show', ESSEX, '--json'])) as { history: unknown[] };
    assert.ok(shown.history.length >= 8);
  });
});
