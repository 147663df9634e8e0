import assert from 'node:assert/strict';
import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { auditCommand } from '../../src/cli/audit.ts';
import { evidenceCommand } from '../../src/cli/evidence.ts';
import type { RegionId } from '../../src/demo/places.ts';
import { readAudit } from '../support/audit.ts';
import { wayleave, type Ran } from '../support/command.ts';
import { startFederation, type TestFederation } from '../support/federation.ts';
import { TestViewer } from '../support/viewer.ts';
import { called } from './in-process.ts';

const ASKER: RegionId = 'herts-west-essex';
const RESPONDER: RegionId = 'london';
const PATIENT = '9990000018';
const OTHER = '9990000034';
const NAMES = /99900000\d\d|dr\.test/;

interface Found {
  readonly entries: { seq: number; event: string; region?: string; values?: Record<string, string> }[];
  readonly next?: string;
}

describe('wayleave audit', () => {
  let federation: TestFederation;
  let viewer: TestViewer;

  const on = (region: RegionId): string[] => ['--config', join(federation.directory, `${region}.yaml`)];
  const audit = (region: RegionId, ...words: string[]): Promise<Ran> =>
    called(auditCommand, [...words, ...on(region)]);
  const evidence = (...words: string[]): Promise<Ran> => called(evidenceCommand, words);
  const search = async (...words: string[]): Promise<Found> => {
    const { code, out, err } = await audit(RESPONDER, 'search', '--json', ...words);
    assert.equal(code, 0, err);
    return JSON.parse(out) as Found;
  };

  before(async () => {
    federation = await startFederation({ edit: (_region, raw) => (raw['checkpoint_ms'] = 120_000) });
    viewer = new TestViewer(federation, ASKER);
    for (const patient of [PATIENT, OTHER, PATIENT])
      await viewer.ask(patient, `/fhir/Condition?patient=${patient}`);
  });
  after(async () => {
    viewer.close();
    await federation.stop();
  });

  describe('search', () => {
    it('prints a line an entry, newest first, and names nobody', async () => {
      const { code, out } = await wayleave('audit', 'search', ...on(RESPONDER));
      assert.equal(code, 0);
      const rows = await readAudit(federation.config(RESPONDER));
      const lines = out.trim().split('\n');
      assert.equal(lines.length, rows.length);
      assert.match(lines[0] ?? '', /query-answered +herts-west-essex/);
      assert.match(lines.at(-1) ?? '', / started /);
      assert.doesNotMatch(out, NAMES);
      assert.doesNotMatch((await audit(RESPONDER, 'search', '--json')).out, NAMES);
    });

    it('finds by patient, from an argument or from standard input', async () => {
      const numbers = (found: Found): number[] => found.entries.map(({ seq }) => seq);
      const [mine, theirs] = [await search('--patient', PATIENT), await search('--patient', OTHER)];
      assert.deepEqual([mine.entries.length, theirs.entries.length], [4, 2]);
      const words = ['search', '--json', '--patient', '-', ...on(RESPONDER)];
      const piped = await called(auditCommand, words, `${PATIENT}\n`);
      assert.deepEqual(numbers(JSON.parse(piped.out) as Found), numbers(mine));
      assert.equal((await search('--patient', '9990000026')).entries.length, 0);
    });

    it('finds by user, region, organisation, outcome, event and time, and all of these at once', async () => {
      const user = 'https://herts-west-essex.wayleave.example/viewers/hwe-viewer/Id/user|dr.test';
      const count = async (...words: string[]): Promise<number> => (await search(...words)).entries.length;
      const day = new Date().toISOString().slice(0, 10);
      assert.equal(await count('--user', user), 6);
      assert.equal(await count('--user', `${user}x`), 0);
      assert.equal(await count('--with', ASKER), 6);
      assert.equal(await count('--with', 'essex-suffolk'), 0);
      assert.equal(await count('--outcome', 'answered'), 3);
      assert.equal(await count('--event', 'query-received'), 3);
      assert.equal(await count('--break-glass'), 0);
      assert.equal(await count('--from', day, '--to', day), 7);
      assert.equal(await count('--to', '2026-01-01'), 0);
      const all = [
        '--with',
        ASKER,
        '--event',
        'query-received',
        '--from',
        day,
        '--patient',
        PATIENT,
        '--user',
        user,
      ];
      assert.equal(await count(...all), 2);
      assert.equal(await count('--organisation', 'R%', '--with', '*'), 0);
    });

    it('gives pages that together are the whole, each entry once', async () => {
      const whole = (await search()).entries.map(({ seq }) => seq);
      const paged: number[] = [];
      for (let after: string[] = [], pages = 0; pages < 10; pages += 1) {
        const page = await search('--limit', '2', ...after);
        paged.push(...page.entries.map(({ seq }) => seq));
        if (page.next === undefined) break;
        after = ['--after', page.next];
      }
      assert.deepEqual(paged, whole);
    });

    it('opens what is sealed when it is told to, and that is in the log', async () => {
      const { entries } = await search('--open', '--patient', PATIENT, '--event', 'query-received');
      assert.equal(entries[0]?.values?.['nhs_number'], PATIENT);
      assert.match(entries[0]?.values?.['user'] ?? '', /dr\.test$/);
      const kept = (await readAudit(federation.config(RESPONDER))).filter(
        ({ event }) => event === 'audit-searched',
      );
      assert.equal(kept.length, 1);
      assert.deepEqual([kept[0]?.count, kept[0]?.detail], [2, { filters: ['patient', 'event'] }]);
      assert.deepEqual(kept[0]?.values, { nhs_number: PATIENT, admin: userInfo().username });
      const about = await search('--patient', PATIENT, '--event', 'audit-searched');
      assert.equal(about.entries.length, 1);
      const opened = await audit(RESPONDER, 'search', '--open', '--limit', '3');
      assert.match(opened.out, NAMES);
    });

    const WRONG: [string, ...string[]][] = [
      ['a day that is none', '--from', '2026-13-01'],
      ['a time without a zone', '--to', '2026-11-22T10:00:00'],
      ['a limit of none', '--limit', '0'],
      ['a limit beyond the most', '--limit', '1001'],
      ['a limit that is no number', '--limit', 'all'],
      ['a cursor that is none', '--after', 'x'],
      ['an event that there is not', '--event', 'nonsense'],
      ['a number that is none', '--patient', '9990000019'],
    ];
    for (const [name, ...words] of WRONG) {
      it(`answers ${name} with a sentence and exit code 2`, async () => {
        const { code, err } = await audit(RESPONDER, 'search', ...words);
        assert.equal(code, 2, err);
        assert.doesNotMatch(err, /9990000019|\n {4}at /);
      });
    }
  });

  describe('erase', () => {
    const rowsOf = () => readAudit(federation.config(ASKER));

    it('does nothing without --yes, nor where one of the entries is not there', async () => {
      const before = await rowsOf();
      assert.equal((await audit(ASKER, 'erase', '1', '--reason', 'test')).code, 2);
      assert.equal((await audit(ASKER, 'erase', '1', '--yes')).code, 2);
      assert.equal((await audit(ASKER, 'erase', '1', '9999', '--reason', 'test', '--yes')).code, 1);
      assert.equal((await audit(ASKER, 'erase', 'x', '--reason', 'test', '--yes')).code, 2);
      assert.deepEqual(await rowsOf(), before);
    });

    it('erases the values, says so in the log, and every proof still verifies', async () => {
      const before = await rowsOf();
      const { exchange } = before.find(({ event }) => event === 'query-sent') ?? {};
      const mine = before.filter((row) => row.exchange === exchange).map(({ sequence }) => sequence);
      const file = join(federation.directory, 'before.json');
      assert.equal((await evidence('export', exchange ?? '', '--out', file, ...on(ASKER))).code, 0);
      const { code, err } = await audit(
        ASKER,
        'erase',
        ...mine.map(String),
        '--reason',
        'asked by NAME',
        '--yes',
      );
      assert.equal(code, 0, err);
      const after = await rowsOf();
      for (const row of after.filter(({ sequence }) => mine.includes(sequence)))
        assert.deepEqual(row.values, {});
      const told = after.at(-1);
      assert.equal(told?.event, 'entries-erased');
      assert.deepEqual(told?.detail, { sequences: mine });
      assert.deepEqual(told?.values, { reason: 'asked by NAME', admin: userInfo().username });
      const later = join(federation.directory, 'after.json');
      assert.equal((await evidence('export', exchange ?? '', '--out', later, ...on(ASKER))).code, 0);
      for (const one of [file, later]) assert.equal((await evidence('verify', one)).code, 0);
      assert.doesNotMatch(readFileSync(later, 'utf8'), /"opened"|9990000018/);
      const { code: verified, out } = await audit(ASKER, 'verify', '--sealed', '--json');
      assert.equal(verified, 0, out);
      assert.equal((JSON.parse(out) as { erased: number }).erased, mine.length);
    });
  });

  describe('a stolen copy of the store', () => {
    it('names nobody in any byte, nor holds a token', async () => {
      const config = federation.config(ASKER);
      await viewer.ask(PATIENT, `/fhir/Procedure?patient=${PATIENT}`);
      // An admin's name on the machine may be a word like any other.
      const values = (await readAudit(config)).flatMap(({ values: { admin: _admin, ...all } }) =>
        Object.values(all),
      );
      const secrets = values.flatMap((value) =>
        /^[\w-]+\.[\w-]+\.[\w-]+$/.test(value) ? value.split('.') : [value],
      );
      assert.ok(secrets.length > 10 && secrets.includes(PATIENT));
      const file = config.store.slice('sqlite:'.length);
      for (const name of [file, `${file}-wal`]) {
        assert.ok(existsSync(name), name);
        const copy = join(federation.directory, 'stolen');
        copyFileSync(name, copy);
        const bytes = readFileSync(copy);
        for (const secret of [...secrets, 'dr.test', PATIENT, OTHER]) {
          assert.ok(!bytes.includes(secret), `${name} holds ${secret.slice(0, 12)}`);
        }
      }
    });
  });

  describe('verify', () => {
    it('holds the log of a running broker, and goes on from a checkpoint', async () => {
      const { code, out } = await audit(RESPONDER, 'verify', '--json');
      assert.equal(code, 0);
      const { checkpointed, size } = JSON.parse(out) as { checkpointed: number; size: number };
      assert.ok(size > 7);
      const rows = await readAudit(federation.config(RESPONDER));
      await evidence('export', String(rows.at(-1)?.sequence), ...on(RESPONDER));
      const next = JSON.parse((await audit(RESPONDER, 'verify', '--json')).out) as { checkpointed: number };
      assert.ok(next.checkpointed > checkpointed);
      assert.equal((await audit(RESPONDER, 'verify', '--from', String(next.checkpointed))).code, 0);
      assert.equal((await audit(RESPONDER, 'verify', '--from', '3')).code, 2);
    });

    it('says by its exit code that an entry was changed, and which', async () => {
      await federation.stopBroker(RESPONDER);
      const file = federation.config(RESPONDER).store.slice('sqlite:'.length);
      const database = new DatabaseSync(file);
      database.exec(
        "UPDATE log_entry SET leaf = CAST(replace(leaf, 'RQW', 'RAX') AS BLOB) WHERE sequence = 2",
      );
      database.close();
      const { code, out } = await wayleave('audit', 'verify', ...on(RESPONDER));
      assert.equal(code, 1);
      assert.match(out, /WRONG at entry 2 \(leaf\)/);
    });
  });
});
