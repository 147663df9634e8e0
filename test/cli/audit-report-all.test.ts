import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Comparison } from '../../src/audit/questions/compare.ts';
import type { RollCall, SeenAccess } from '../../src/audit/questions/all-regions.ts';
import { auditCommand } from '../../src/cli/audit.ts';
import type { RegionId } from '../../src/demo/places.ts';
import { readAudit } from '../support/audit.ts';
import { wayleaveGiven, type Ran } from '../support/command.ts';
import { startFederation, type TestFederation } from '../support/federation.ts';
import { TestViewer } from '../support/viewer.ts';
import { called } from './in-process.ts';

const PATIENT = '9990000018';
const LONDONER = '9990000026';
const RESTRICTED = '9990000069';
const WHO = [
  ...['--all-regions', '--user', 'https://fhir.nhs.uk/Id/sds-user-id|100000000001'],
  ...['--role', 'R0001', '--organisation'],
];

interface Report {
  readonly accesses: readonly SeenAccess[];
  readonly regions: RollCall;
}

describe('wayleave audit report --all-regions', () => {
  let federation: TestFederation;
  before(async () => {
    federation = await startFederation({ regions: ['herts-west-essex', 'london', 'essex-suffolk'] });
    for (const region of ['herts-west-essex', 'london', 'essex-suffolk'] as const) {
      const viewer = new TestViewer(federation, region);
      await viewer.ask(PATIENT, `/fhir/Condition?patient=${PATIENT}`);
      viewer.close();
    }
  });
  after(() => federation.stop());

  const configOf = (region: RegionId): string => join(federation.directory, `${region}.yaml`);
  const report = (patient: string, ...words: string[]): Promise<Ran> => {
    const given = words.includes('--config') ? [] : ['--config', configOf('herts-west-essex')];
    return called(auditCommand, ['report', '--patient', '-', ...given, ...words], `${patient}\n`);
  };
  const everywhere = (patient: string, ...words: string[]): Promise<Ran> =>
    report(patient, ...WHO, 'RQW', ...words);

  it('has each look once, with both ends of it; a region that does not run is not reached, and the code is 3', async () => {
    const { code, out, err } = await everywhere(PATIENT, '--json');
    assert.equal(code, 3, err);
    const { accesses, regions } = JSON.parse(out) as Report;
    assert.deepEqual(
      regions.map(({ region, outcome }) => [region, outcome]),
      [
        ['herts-west-essex', 'home'],
        ['london', 'answered'],
        ['essex-suffolk', 'answered'],
        ['west-midlands', 'not-reached'],
      ],
    );
    assert.deepEqual(accesses.map(({ where, askedBy }) => [where, askedBy]).sort(), [
      ['essex-suffolk', 'us'],
      ['herts-west-essex', 'us'],
      ['london', 'us'],
    ]);
    for (const region of ['london', 'essex-suffolk']) {
      const one = accesses.find(({ where }) => where === region);
      assert.equal(one?.ours.length, 1, region);
      assert.ok(one?.sent.includes(one.ours[0]?.exchange ?? '-'));
    }
    assert.doesNotMatch(out, /dr\.test/);
  });

  it('prints, writes a page and a table, each with every region', async () => {
    const [html, csv] = ['all.html', 'all.csv'].map((name) => join(federation.directory, name));
    const { code, out } = await everywhere(PATIENT, '--html', html ?? '', '--csv', csv ?? '');
    assert.equal(code, 3);
    const [page, table] = [html, csv].map((name) => readFileSync(name ?? '', 'utf8'));
    for (const text of [out, page ?? '', table ?? '']) {
      assert.match(text, /West Midlands|west-midlands/);
      assert.match(text, /[Ww]as not reached[^\n]*what it showed is not known/);
    }
    assert.match(table ?? '', /^"region","west-midlands","not-reached"/m);
    assert.equal(table?.match(/^"access","/gm)?.length, 3);
    assert.match(page ?? '', /class="missing"/);
    assert.doesNotMatch(out + table, /99900000|dr\.test/);
  });

  it('is one exchange in the log: questions, what came of them, and the report, before it is printed', async () => {
    const config = federation.config('herts-west-essex');
    const { length } = await readAudit(config);
    await everywhere(PATIENT);
    const rows = (await readAudit(config, length)).filter(({ event }) => event !== 'query-received');
    assert.equal(new Set(rows.map(({ exchange }) => exchange)).size, 1);
    const events = rows.map(({ event }) => event).sort();
    assert.deepEqual(events, [
      ...['access-answer-believed', 'access-answer-believed', 'access-not-reached'],
      ...['access-question-sent', 'access-question-sent', 'access-question-sent', 'report-made'],
    ]);
    assert.equal(rows.at(-1)?.event, 'report-made');
    assert.equal(rows.at(-1)?.count, 3);
  });

  it('is compared between the two logs as queries are', async () => {
    await sleep(1_100);
    const ends = ['--config', configOf('herts-west-essex'), '--config', configOf('london')];
    const { code, out, err } = await called(auditCommand, ['compare', ...ends, '--tolerance', '1', '--json']);
    assert.equal(code, 0, err);
    const { exchanges, agreeing, differences } = JSON.parse(out) as Comparison;
    const rows = await readAudit(federation.config('london'));
    const received = rows.filter(
      ({ event, region }) => event.endsWith('-received') && region === 'herts-west-essex',
    );
    assert.ok(received.some(({ event }) => event === 'access-question-received'));
    const sent = rows.filter(
      ({ event, region }) => /^(query|locate)-sent$/.test(event) && region === 'herts-west-essex',
    );
    assert.deepEqual([exchanges, agreeing, differences], [received.length + sent.length, exchanges, []]);
  });

  it('asks nobody about a patient of another region, and says whose it is', async () => {
    const before = await lengths();
    const { code, out, err } = await everywhere(LONDONER);
    assert.deepEqual([code, out], [1, '']);
    assert.match(err, /home region.*london/);
    assert.deepEqual(await lengths(), before);
  });

  it('asks nobody where it is not known whose patient it is, and says so in each region’s place', async () => {
    const before = await lengths();
    const { code, out } = await everywhere(RESTRICTED, '--json');
    assert.equal(code, 3);
    const { regions } = JSON.parse(out) as Report;
    assert.deepEqual(
      regions.slice(1).map(({ outcome, reason }) => [outcome, reason]),
      Array(3).fill(['not-asked', 'restricted']),
    );
    assert.deepEqual((await lengths()).slice(1), before.slice(1));
    assert.match((await everywhere(RESTRICTED)).out, /No region was asked/);
  });

  async function lengths(): Promise<number[]> {
    const regions = ['herts-west-essex', 'london', 'essex-suffolk'] as const;
    return Promise.all(regions.map(async (region) => (await readAudit(federation.config(region))).length));
  }

  const WRONG: [string, ...string[]][] = [
    ['nobody', '--all-regions'],
    ['a shared account', '--all-regions', '--user', 'https://a.example|shared', ...WHO.slice(3), 'RQW'],
    ['no role', ...WHO.slice(0, 3), '--organisation', 'RQW'],
    ['a role in words', ...WHO.slice(0, 3), '--role', 'boss', '--organisation', 'RQW'],
    ['an organisation of another region', ...WHO, 'RAL'],
    ['no organisation', ...WHO.slice(0, 5)],
  ];
  for (const [name, ...words] of WRONG) {
    it(`${name} is a wrong call, and nothing is asked or kept`, async () => {
      const before = await lengths();
      const { code, out } = await report(PATIENT, ...words);
      assert.deepEqual([code, out], [2, '']);
      assert.deepEqual(await lengths(), before);
    });
  }

  it('as a process of its own ends by itself, without a number in what it says', async () => {
    const { code, out, err } = await wayleaveGiven(
      `${PATIENT}\n`,
      ...['audit', 'report', '--patient', '-', '--config', configOf('herts-west-essex'), ...WHO, 'RQW'],
    );
    assert.equal(code, 3, err);
    assert.match(out, /Asked in London/);
    assert.doesNotMatch(out + err, /99900000|dr\.test/);
  });

  it('without it asks nobody', async () => {
    const before = await lengths();
    assert.equal((await report(PATIENT)).code, 0);
    assert.deepEqual((await lengths()).slice(1), before.slice(1));
  });
});
