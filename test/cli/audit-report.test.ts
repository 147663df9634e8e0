import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Access } from '../../src/audit/questions/access.ts';
import type { Comparison } from '../../src/audit/questions/compare.ts';
import type { Statistics } from '../../src/audit/questions/stats.ts';
import type { Finding } from '../../src/audit/questions/unusual.ts';
import { auditCommand } from '../../src/cli/audit.ts';
import type { RegionId } from '../../src/demo/places.ts';
import { readAudit } from '../support/audit.ts';
import { wayleaveGiven, type Ran } from '../support/command.ts';
import { startFederation, type TestFederation } from '../support/federation.ts';
import { TestViewer } from '../support/viewer.ts';
import { called } from './in-process.ts';

const PATIENT = '9990000018';
const OTHER = '9990000026';

interface Accesses {
  readonly accesses: readonly Access[];
}

interface Findings {
  readonly findings: readonly Finding[];
  readonly left: number;
}

describe('wayleave audit: the questions that people ask', () => {
  let federation: TestFederation;
  before(async () => {
    federation = await startFederation({
      regions: ['herts-west-essex', 'london'],
      edit: (region, config) => {
        if (region === 'london') config['report'] = { show_users: true };
        config['unusual_access'] = { many_patients: { per: 'hour', more_than: 1 }, break_glass: true };
      },
    });
    const viewer = new TestViewer(federation, 'herts-west-essex');
    for (const patient of [PATIENT, OTHER]) await viewer.ask(patient, `/fhir/Condition?patient=${patient}`);
    const token = await viewer.token(PATIENT, {
      break_glass: { code: 'emergency', reason: 'found unconscious' },
    });
    await viewer.ask(PATIENT, `/fhir/Condition?patient=${PATIENT}`, { token });
    viewer.close();
  });
  after(() => federation.stop());

  const configOf = (region: RegionId): string => join(federation.directory, `${region}.yaml`);
  const file = (name: string): string => join(federation.directory, name);
  const audit = (words: readonly string[], input = ''): Promise<Ran> => called(auditCommand, words, input);
  const inHerts = (...words: string[]): Promise<Ran> =>
    audit([...words, '--config', configOf('herts-west-essex')], `${PATIENT}\n`);
  async function jsonOf<Said>(ran: Promise<Ran>, code = 0): Promise<Said> {
    const { out, err, code: got } = await ran;
    assert.equal(got, code, err);
    return JSON.parse(out) as Said;
  }

  describe('report', () => {
    it('prints each access, names neither patient nor user, and is kept in the log', async () => {
      const config = federation.config('herts-west-essex');
      const { length } = await readAudit(config);
      const { code, out, err } = await wayleaveGiven(
        `${PATIENT}\n`,
        ...['audit', 'report', '--patient', '-', '--config', configOf('herts-west-essex')],
      );
      assert.equal(code, 0, err);
      assert.equal(out.match(/Princess Alexandra Hospital/g)?.length, 2);
      assert.match(out, /found unconscious/);
      assert.doesNotMatch(out + err, /99900000|dr\.test/);
      const [kept, ...others] = await readAudit(config, length);
      assert.deepEqual([kept?.event, kept?.count, others.length], ['report-made', 2, 0]);
      assert.deepEqual(kept?.values, { nhs_number: PATIENT, admin: userInfo().username });
      assert.doesNotMatch(JSON.stringify(kept?.detail), /99900000/);
    });

    it('writes a page and a table for this user alone, and never over another file', async () => {
      const [html, csv] = [file('report.html'), file('report.csv')];
      const { code, err } = await inHerts('report', '--patient', '-', '--html', html, '--csv', csv);
      assert.equal(code, 0, err);
      const [page, table] = [html, csv].map((name) => readFileSync(name, 'utf8'));
      assert.match(page ?? '', /NHS number 999 000 0018/);
      assert.match(page ?? '', /found unconscious/);
      assert.equal(table?.trimEnd().split('\r\n').length, 3);
      for (const name of [html, csv]) assert.equal(statSync(name).mode & 0o777, 0o600);
      const { length } = await readAudit(federation.config('herts-west-essex'));
      const again = await inHerts('report', '--patient', '-', '--html', html);
      assert.equal(again.code, 1);
      assert.equal(again.out, '');
      assert.equal((await readAudit(federation.config('herts-west-essex'))).length, length);
    });

    it('names users where the region has set that', async () => {
      const words = ['report', '--patient', PATIENT, '--json', '--config'];
      const ours = await jsonOf<Accesses>(audit([...words, configOf('herts-west-essex')]));
      const theirs = await jsonOf<Accesses>(audit([...words, configOf('london')]));
      assert.ok(ours.accesses.length > 0 && ours.accesses.every((one) => !('user' in one)));
      assert.ok(theirs.accesses.every(({ user }) => user?.endsWith('dr.test')));
    });

    const WRONG: [string, ...string[]][] = [
      ['no patient', 'report'],
      ['no NHS number', 'report', '--patient', '1234567890'],
      ['no such other number', 'report', '--patient', '-', '--also', '12'],
      ['no time', 'report', '--patient', '-', '--from', 'yesterday'],
      [
        'an end before the beginning',
        'report',
        '--patient',
        '-',
        '--from',
        '2026-02-02',
        '--to',
        '2026-01-01',
      ],
      ['a beginning that is to come', 'report', '--patient', '-', '--from', '2999-01-01'],
      ['a stranger as neighbour', 'export', '--with', 'atlantis', '--out', 'x'],
      ['nothing to compare with', 'compare'],
    ];
    for (const [name, ...words] of WRONG) {
      it(`${name} is a wrong call`, async () => {
        const { code, out, err } = await inHerts(...words);
        assert.deepEqual([code, out], [2, '']);
        assert.doesNotMatch(err, /\d{10}/);
      });
    }
  });

  describe('stats', () => {
    it('counts per neighbour, and users without a name', async () => {
      const stats = await jsonOf<Omit<Statistics, 'users'> & { users: object }>(inHerts('stats', '--json'));
      const [london] = stats.neighbours;
      assert.deepEqual([london?.region, london?.asked.queries, london?.asked.breakGlass], ['london', 3, 1]);
      const { medianMs = 0, p95Ms = 0 } = london?.asked ?? {};
      assert.ok(medianMs > 0 && p95Ms >= medianMs);
      assert.deepEqual(stats.users, { count: 1, looks: [3] });
      const { out } = await inHerts('stats');
      assert.doesNotMatch(out, /dr\.test|99900000/);
    });

    it('names users when asked to, which is kept', async () => {
      const { users } = await jsonOf<Statistics>(inHerts('stats', '--open', '--json'));
      assert.match(users[0]?.user ?? '', /dr\.test$/);
      const last = (await readAudit(federation.config('herts-west-essex'))).at(-1);
      assert.deepEqual([last?.event, last?.detail], ['audit-searched', { filters: ['stats'] }]);
    });
  });

  describe('unusual', () => {
    it('lists what the rules find, oldest first, without opening anything', async () => {
      const { length } = await readAudit(federation.config('herts-west-essex'));
      const { findings } = await jsonOf<Findings>(inHerts('unusual', '--json'));
      assert.deepEqual(
        findings.map(({ rule }) => rule),
        ['many_patients', 'break_glass'],
      );
      assert.deepEqual([findings[0]?.distinct, findings[0]?.looks], [2, 3]);
      const { out } = await inHerts('unusual');
      assert.doesNotMatch(JSON.stringify(findings) + out, /dr\.test|99900000/);
      assert.equal((await readAudit(federation.config('herts-west-essex'))).length, length);
    });

    it('says who and about whom when asked to, which is kept', async () => {
      const { findings, left } = await jsonOf<Findings>(
        inHerts('unusual', '--open', '--json', '--limit', '1'),
      );
      assert.deepEqual([findings.length, left], [1, 1]);
      assert.match(findings[0]?.user ?? '', /dr\.test$/);
      assert.equal(findings[0]?.patient, PATIENT);
      const last = (await readAudit(federation.config('herts-west-essex'))).at(-1);
      assert.deepEqual([last?.event, last?.detail], ['audit-searched', { filters: ['unusual'] }]);
    });

    it('sees the same from the other end', async () => {
      const words = ['unusual', '--json', '--config', configOf('london')];
      const { findings } = await jsonOf<Findings>(audit(words));
      assert.ok(findings.length > 0);
      assert.ok(findings.every(({ region }) => region === 'herts-west-essex'));
    });
  });

  describe('export and compare', () => {
    const compared = (...words: string[]): Promise<Ran> =>
      audit(['compare', ...words, '--tolerance', '1', '--json']);

    it('agree over the stores and over two exports; a suppressed exchange is told by its jti', async () => {
      // What is younger than the tolerance is not judged.
      await sleep(1_100);
      const stores = ['--config', configOf('herts-west-essex'), '--config', configOf('london')];
      const agreed = await jsonOf<Comparison>(compared(...stores));
      assert.deepEqual([agreed.exchanges, agreed.agreeing, agreed.differences], [4, 4, []]);

      const [ours, theirs] = [file('herts.ndjson'), file('london.ndjson')];
      const exported = await inHerts('export', '--with', 'london', '--out', ours);
      assert.equal(exported.code, 0, exported.err);
      assert.doesNotMatch(readFileSync(ours, 'utf8'), /99900000|dr\.test|eyJ|unconscious/);
      assert.equal(statSync(ours).mode & 0o777, 0o600);

      const given = (await readAudit(federation.config('london'))).find(
        ({ event }) => event === 'query-answered',
      );
      const database = new DatabaseSync(federation.config('london').store.replace('sqlite:', ''));
      database.prepare('DELETE FROM log_entry WHERE jti = ?').run(given?.jti ?? '');
      database.close();
      const written = await audit(['export', '--config', configOf('london'), '--out', theirs]);
      assert.equal(written.code, 0, written.err);

      for (const ends of [[ours, theirs], stores, [ours, '--config', configOf('london')]]) {
        const { differences } = await jsonOf<Comparison>(compared(...ends), 3);
        assert.deepEqual(
          differences.map(({ code, count }) => [code, count]),
          [['exchange-missing-at-responder', 1]],
        );
        assert.equal(differences[0]?.exchanges[0]?.jti, given?.jti);
      }
      const { code, out } = await audit(['compare', ours, theirs, '--tolerance', '1']);
      assert.equal(code, 3);
      assert.ok(out.includes(given?.jti ?? '-'));
    });

    it('never writes over a file, and reads nothing else for an export', async () => {
      const taken = file('taken.ndjson');
      writeFileSync(taken, 'mine');
      assert.equal((await inHerts('export', '--out', taken)).code, 1);
      assert.equal(readFileSync(taken, 'utf8'), 'mine');
      assert.equal((await compared(taken, '--config', configOf('london'))).code, 1);
      assert.equal((await compared(file('missing'), '--config', configOf('london'))).code, 2);
    });
  });
});
