import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';

import type { LogStatus } from '../../src/audit/audit-room.ts';
import { readLeaf } from '../../src/audit/entry.ts';
import type { NotLookedAt } from '../../src/audit/questions/not-looked-at.ts';
import { openStore } from '../../src/broker.ts';
import { auditCommand } from '../../src/cli/audit.ts';
import { evidenceCommand } from '../../src/cli/evidence.ts';
import type { Bundle } from '../../src/fhir/resource.ts';
import type { RegionId } from '../../src/demo/places.ts';
import { OldLog, DAY } from '../audit/archive/old-log.ts';
import { withAuditors } from '../requesting/audited.ts';
import type { Ran } from '../support/command.ts';
import { startFederation, type TestFederation } from '../support/federation.ts';
import { errorCode, TestViewer } from '../support/viewer.ts';
import { called } from './in-process.ts';

const HERE: RegionId = 'herts-west-essex';
const PATIENT = '9990000018';
const ONE = { reason_for_request: 'audit', requesting_user_role: 'R8009' };

interface Said {
  readonly archived: readonly { from: number; to: number; file: string; sha256: string }[];
  readonly pruned?: { readonly entries: number; readonly notYet?: { why: string } };
}

describe('wayleave audit archive, beside a broker whose log began long ago', () => {
  let federation: TestFederation;
  let viewer: TestViewer;
  let directory: string;
  let cut: string;
  before(async function () {
    this.timeout(60_000);
    federation = await startFederation({
      regions: [HERE, 'london'],
      edit: (region, config) => {
        withAuditors(region, config);
        config['checkpoint_ms'] = 150;
      },
    });
    directory = join(federation.directory, 'archive');
    await federation.stopBroker(HERE);
    await federation.stopBroker('london');
    // Another log than the one that the broker began: as if it had run for 500 days.
    const config = federation.config(HERE);
    for (const region of [HERE, 'london'] as const) {
      const database = new DatabaseSync(federation.config(region).store.slice('sqlite:'.length));
      for (const table of [
        'log',
        'log_entry',
        'log_sealed',
        'log_tile',
        'checkpoint',
        'witnessed',
        'open_work',
      ])
        database.exec(`DELETE FROM ${table}`);
      database.close();
    }
    const store = await openStore(config);
    const old = await OldLog.open(federation, store);
    for (let nth = 0; nth < 4; nth += 1) {
      await old.write(80);
      await old.sign();
    }
    cut = new Date(old.at + 1).toISOString();
    old.at = Date.now() - 100 * DAY;
    await old.writeMany(400);
    await old.sign();
    await store.close();
    await federation.startBroker('london');
    await federation.startBroker(HERE);
    viewer = new TestViewer(federation, HERE);
  });
  after(async () => {
    viewer.close();
    await federation.stop();
  });

  const on = (): string[] => ['--config', join(federation.directory, `${HERE}.yaml`)];
  const audit = (...words: string[]): Promise<Ran> =>
    called(auditCommand, [...words, ...on()], `${PATIENT}\n`);
  const archive = (...words: string[]): Promise<Ran> => audit('archive', '--dir', directory, ...words);
  async function json<Answer>(ran: Promise<Ran>, code = 0): Promise<Answer> {
    const { out, err, code: got } = await ran;
    assert.equal(got, code, out + err);
    return JSON.parse(out) as Answer;
  }
  const ask = async (path: string) => viewer.ask(PATIENT, path, { token: await viewer.token(PATIENT, ONE) });
  /** A witness has cosigned what is in the log by now. */
  const witnessed = async (): Promise<void> => {
    const store = await openStore(federation.config(HERE));
    const { size } = await store.log.head('herts-west-essex.wayleave.example/log/1');
    await store.close();
    for (const until = Date.now() + 15_000; Date.now() < until; await sleep(50)) {
      const { witnesses } = (await federation.broker(HERE).status()).log as LogStatus;
      const [london] = witnesses.filter(({ region }) => region === 'london');
      if (london !== undefined && london.fault === undefined && london.size >= size) return;
    }
    assert.fail('nobody cosigned');
  };

  it('is called with a time that is past, and a number of entries', async () => {
    for (const words of [
      ['--before', 'yesterday'],
      ['--before', '2999-01-01'],
      ['--segment', '0'],
      ['--segment', 'x'],
    ])
      assert.equal((await archive(...words)).code, 2, words.join(' '));
    assert.equal((await audit('archive')).code, 2);
  });

  it('writes files for this user alone, and says what is in them', async () => {
    const { archived } = await json<Said>(archive('--before', cut, '--segment', '200', '--json'));
    assert.deepEqual(
      archived.map(({ from, to }) => [from, to]),
      [
        [0, 160],
        [160, 320],
      ],
    );
    const names = readdirSync(directory);
    assert.deepEqual(names.sort(), archived.map(({ file }) => file).sort());
    for (const name of names) assert.equal(statSync(join(directory, name)).mode & 0o777, 0o600);
    assert.equal(statSync(directory).mode & 0o777, 0o700);
    assert.match((await archive('--before', cut)).out, /Nothing to archive/);
    const verified = await called(auditCommand, [
      'verify-archive',
      ...names.map((name) => join(directory, name)),
    ]);
    assert.equal(verified.code, 0, verified.out);
    for (const { sha256 } of archived) assert.ok(verified.out.includes(sha256));
  });

  it('has nothing to leave out while nothing is pruned', async () => {
    const { notLookedAt } = await json<{ notLookedAt: NotLookedAt[] }>(audit('search', '--json'));
    assert.deepEqual(notLookedAt, []);
  });

  it('is killed in the middle of pruning, and the next run goes on', async function () {
    this.timeout(60_000);
    const store = await openStore(federation.config(HERE));
    const first = async (): Promise<number> =>
      (await store.log.entries('herts-west-essex.wayleave.example/log/1', 0, 1))[0]?.sequence ?? -1;
    const path = join(federation.directory, 'slow.ts');
    // The command's own steps with a small batch, so that there is a middle to be killed in.
    writeFileSync(path, slowly(join(federation.directory, `${HERE}.yaml`), directory));
    const child = spawn(process.execPath, [path], { stdio: 'inherit' });
    const ended = new Promise((done) => child.once('exit', done));
    while ((await first()) < 30 && child.exitCode === null) await sleep(10);
    child.kill('SIGKILL');
    await ended;
    const at = await first();
    assert.ok(at >= 30 && at < 160, `${at}`);
    const verdict = await json<{ fault?: object; archived: number }>(audit('verify', '--sealed', '--json'));
    assert.deepEqual([verdict.fault, verdict.archived], [undefined, 160]);
    await federation.stopBroker(HERE);
    await federation.startBroker(HERE);

    const { pruned } = await json<Said>(archive('--before', cut, '--prune', '--json'));
    assert.equal(pruned?.entries, 320 - at);
    assert.equal(await first(), 320);
    await store.close();
  });

  it('goes on: asked, witnessed, verified, started again; what is younger than keep_days stays', async () => {
    const again = await json<Said>(archive('--before', new Date().toISOString(), '--prune', '--json'));
    assert.equal(again.pruned?.notYet?.why, 'too-new');
    assert.equal(again.pruned?.entries, 0);
    const { status } = await viewer.ask(PATIENT, `/fhir/Condition?patient=${PATIENT}`);
    assert.equal(status, 200);
    await witnessed();
    await federation.stopBroker(HERE);
    await federation.startBroker(HERE);
    await witnessed();
    const { code, out } = await audit('verify', '--sealed');
    assert.equal(code, 0, out);
    assert.match(out, /Entries 0 to 319 are in archived segments and were NOT looked at/);
    const store = await openStore(federation.config(HERE));
    assert.deepEqual(await store.checkpoints.forks(10), []);
    await store.close();
  });

  it('verifies what was pruned in its files as well, where it is told where they are', async () => {
    const { code, out } = await audit('verify', '--archive', directory);
    assert.equal(code, 0, out);
    assert.match(out, /Entries 0 to 319 hold in their archived segments/);
    assert.doesNotMatch(out, /NOT looked at/);
    const [name = ''] = readdirSync(directory).sort();
    const file = join(directory, name);
    const bytes = readFileSync(file);
    writeFileSync(file, bytes.subarray(0, -3));
    const wrong = await json<{ archive: { fault?: { code: string } } }>(
      audit('verify', '--archive', directory, '--json'),
      1,
    );
    assert.equal(wrong.archive.fault?.code, 'file-changed');
    renameSync(file, `${file}.away`);
    assert.equal((await audit('verify', '--archive', directory)).code, 1);
    writeFileSync(file, bytes);
    assert.equal((await audit('verify', '--archive', directory)).code, 0);
  });

  describe('and every question says what it did not look at', () => {
    const missing = (parts: readonly NotLookedAt[]): number[][] => parts.map(({ from, to }) => [from, to]);
    const TELL = /NOT looked at: entries 0 to 319 of herts-west-essex/;

    for (const words of [
      ['search'],
      ['search', '--patient', PATIENT],
      ['stats'],
      ['unusual'],
      ['report', '--patient', PATIENT],
    ]) {
      it(words.join(' '), async () => {
        assert.match((await audit(...words)).out, TELL);
        const answer = await json<{ notLookedAt: NotLookedAt[] }>(audit(...words, '--json'));
        assert.deepEqual(missing(answer.notLookedAt), [[0, 320]]);
        const today = new Date(Date.now() - DAY).toISOString();
        const recent = await json<{ notLookedAt: NotLookedAt[] }>(audit(...words, '--json', '--from', today));
        assert.deepEqual(recent.notLookedAt, []);
        assert.doesNotMatch((await audit(...words, '--from', today)).out, /NOT looked at/);
      });
    }

    it('never that nobody looked', async () => {
      const before = ['--to', '2026-01-01'];
      for (const words of [['search'], ['unusual'], ['report', '--patient', '9990000034']]) {
        assert.doesNotMatch(
          (await audit(...words, ...before)).out,
          /^(No such entry\.|No access of this record is in the log\.|Nothing that)/m,
        );
      }
    });

    it("in the patient's page and table", async () => {
      const [html, csv] = ['page.html', 'table.csv'].map((name) => join(federation.directory, name));
      const { code, err } = await audit('report', '--patient', '-', '--html', html ?? '', '--csv', csv ?? '');
      assert.equal(code, 0, err);
      for (const file of [html, csv])
        assert.match(readFileSync(file ?? '', 'utf8'), /is archived and was not looked at/);
    });

    it('in an export, which begins after it, and in a comparison', async () => {
      const file = join(federation.directory, 'export.ndjson');
      const head = await json<{ from: number; archived_until?: number }>(
        audit('export', '--out', file, '--with', 'london', '--json'),
      );
      assert.ok(head.archived_until !== undefined && head.from === head.archived_until);
      assert.ok(Date.parse(cut) - head.from <= 1);
      const { out } = await called(auditCommand, [
        ...['compare', file, '--config', join(federation.directory, 'london.yaml')],
      ]);
      assert.match(out, /NOT compared: what herts-west-essex wrote before/);
      const none = await called(auditCommand, [
        ...['compare', file, '--to', '2020-01-01', '--config', join(federation.directory, 'london.yaml')],
      ]);
      assert.equal(none.code, 2, none.out);
    });

    it('over FHIR, on every page, and an entry by its id is gone', async () => {
      const since = new Date(Date.now() - 600 * DAY).toISOString().slice(0, 10);
      const { status, body } = await ask(`/fhir/AuditEvent?patient=${PATIENT}&date=ge${since}&_count=2`);
      assert.equal(status, 200);
      const [outcome, ...matches] = (body as Bundle).entry ?? [];
      assert.deepEqual(
        [outcome?.search?.mode, outcome?.resource?.resourceType],
        ['outcome', 'OperationOutcome'],
      );
      assert.match(JSON.stringify(outcome), /"warning".*"incomplete".*"archived"/);
      assert.ok(matches.every(({ resource }) => resource?.resourceType === 'AuditEvent'));
      const recent = new Date(Date.now() - DAY).toISOString().slice(0, 10);
      const today = (await ask(`/fhir/AuditEvent?patient=${PATIENT}&date=ge${recent}`)).body as Bundle;
      assert.ok((today.entry ?? []).every(({ search }) => search?.mode === 'match'));
      for (const [id, expected, code] of [
        ['1.0', 410, 'archived'],
        ['1.319', 410, 'archived'],
        ['1.99999', 404, 'not-found'],
        ['7.0', 404, 'not-found'],
      ] as const) {
        const reply = await ask(`/fhir/AuditEvent/${id}`);
        assert.deepEqual([reply.status, errorCode(reply.body)], [expected, code], id);
      }
    });

    it('in an export of evidence, which names the file', async () => {
      const evidence = (id: string): Promise<Ran> => called(evidenceCommand, ['export', id, ...on()]);
      for (const id of ['200', 'old-200', 'nothing-like-it']) {
        const { code, err, out } = await evidence(id);
        assert.deepEqual([code, out], [1, ''], id);
        assert.match(err, /160-320\.segment\.gz/);
      }
      assert.doesNotMatch((await evidence('200')).err, /\.0-160\./);
      const beyond = await evidence('99999');
      assert.equal(beyond.code, 1);
      assert.doesNotMatch(beyond.err, /segment/);
      assert.equal((await evidence('400')).code, 0);
    });
  });

  it('looks into files that are named: a report, a search, the evidence of an exchange', async () => {
    const files = readdirSync(directory)
      .filter((name) => name.endsWith('.gz'))
      .sort()
      .map((name) => join(directory, name));
    interface Answer {
      readonly accesses: readonly object[];
      readonly entries: readonly { seq: number; values?: Record<string, string> }[];
      readonly notLookedAt: readonly NotLookedAt[];
    }
    const report = ['report', '--patient', PATIENT, '--to', '2026-01-01', '--json'];
    const without = await json<Answer>(audit(...report));
    assert.deepEqual([without.accesses.length, without.notLookedAt.length], [0, 1]);
    const whole = await json<Answer>(audit(...report, '--archive', ...files));
    assert.deepEqual([whole.accesses.length, whole.notLookedAt.length], [160, 0]);
    const search = ['search', '--patient', PATIENT, '--to', '2026-01-01', '--limit', '3', '--open', '--json'];
    const { entries, notLookedAt } = await json<Answer>(audit(...search, '--archive', ...files));
    assert.deepEqual(
      entries.map(({ seq, values }) => [seq, values?.['nhs_number']]),
      [
        [318, PATIENT],
        [316, PATIENT],
        [314, PATIENT],
      ],
    );
    assert.deepEqual(notLookedAt, []);
    for (const wrong of ['nothing.gz', join(federation.directory, `${HERE}.yaml`)]) {
      assert.notEqual((await audit(...report, '--archive', wrong)).code, 0);
    }
    const out = join(federation.directory, 'proof.json');
    const received = await called(evidenceCommand, [
      'export',
      '318',
      '--out',
      out,
      ...on(),
      '--archive',
      ...files,
    ]);
    // What began the exchange is nowhere: it is told as half an exchange only where a file is missing.
    assert.equal(received.code, 0, received.err);
    const proof = await called(evidenceCommand, ['verify', out]);
    assert.match(proof.out, /ok +inclusion +entry 318/);
    assert.match(proof.out, /ok +values +entry 318/);
    assert.equal(
      (await called(evidenceCommand, ['export', '318', ...on(), '--archive', files[0] ?? ''])).code,
      1,
    );
  });

  it('erases archived entries', async () => {
    const store = await openStore(federation.config(HERE));
    const origin = 'herts-west-essex.wayleave.example/log/1';
    assert.equal((await store.archive.keys(origin, 7, 8)).length, 1);
    const { code, err } = await audit('erase', '7', '--reason', 'asked for', '--yes');
    assert.equal(code, 0, err);
    assert.equal((await store.archive.keys(origin, 7, 8)).length, 0);
    await store.close();
    assert.equal((await audit('verify', '--archive', directory)).code, 0);
  });

  describe('when the log has ended', () => {
    it('archives it too, and says of which log it was in the one that follows', async () => {
      const origin = 'herts-west-essex.wayleave.example/log/1';
      const sealing = await audit('seal', '--whole', '--yes', '--by', 'dr.test', '--reason', 'a test');
      assert.equal(sealing.code, 0, sealing.err);
      const everything = ['--before', new Date().toISOString(), '--json'];
      assert.equal((await archive('--log', `${origin}/9`, ...everything)).code, 2);
      const now = await json<Said & { origin: string }>(archive(...everything));
      assert.equal(now.origin, `${origin}/2`);
      await ask(`/fhir/Condition?patient=${PATIENT}`);
      const former = await json<Said & { origin: string }>(
        archive('--log', origin, ...everything, '--prune'),
      );
      assert.equal(former.origin, origin);
      const store = await openStore(federation.config(HERE));
      const told = await store.log.search({ from: 0, to: 9e15, event: 'segment-archived', limit: 100 });
      const segments = await store.archive.segments(origin, 0, 100);
      await store.close();
      assert.deepEqual(
        new Set(told.map(({ leaf }) => (readLeaf(leaf).detail as { log: string }).log)),
        new Set([origin, ...now.archived.map(() => `${origin}/2`)]),
      );
      assert.ok(segments.length > 2);
      assert.equal((await audit('verify', '--archive', directory)).code, 0);
    });
  });
});

/** The steps of `audit archive --prune`, one entry at a time. */
function slowly(config: string, directory: string): string {
  const src = resolve(import.meta.dirname, '../../src');
  return `
    import { setTimeout as sleep } from 'node:timers/promises';
    import { pruneLog } from '${src}/audit/archive/prune-log.ts';
    import { statementsAtHand } from '${src}/audit/proof/statement-history.ts';
    import { segmentShelf } from '${src}/cli/segment-shelf.ts';
    import { logKeysOf } from '${src}/cli/log-keys.ts';
    import { withAudit } from '${src}/cli/open-audit.ts';
    await withAudit({ config: '${config}' }, async (audit) => {
      const { config, store, log, trail } = audit;
      await pruneLog({
        origin: log.origin, store, trail, now: Date.now, shelf: segmentShelf('${directory}'),
        statements: statementsAtHand(config, store.statements), keys: await logKeysOf(audit, log.origin),
      }, { before: Date.now() - 400 * 86_400_000, streams: [], batch: 1, pause: () => sleep(5) });
    });
  `;
}
