import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { archiveLog } from '../../../src/audit/archive/archive-log.ts';
import { pruneLog } from '../../../src/audit/archive/prune-log.ts';
import { withArchive, type ArchiveAndLog } from '../../../src/audit/archive/with-archive.ts';
import { gatherReport, type PatientReport } from '../../../src/audit/questions/patient-report.ts';
import { walk } from '../../../src/audit/walk.ts';
import type { EntrySearch, LogStore, Segment, Store } from '../../../src/store/contracts.ts';
import { openSqliteStore } from '../../../src/store/sqlite/store.ts';
import { startFederation, type TestFederation } from '../../support/federation.ts';
import { drain, fileOf, OldLog, OTHER, PATIENT, USER } from './old-log.ts';

const EVER = { from: 0, to: Number.MAX_SAFE_INTEGER };

describe('questions that reach back into archived files', () => {
  let federation: TestFederation;
  let store: Store;
  let old: OldLog;
  let files: string[];
  const searches = (): Omit<EntrySearch, 'limit'>[] => {
    const middle = old.at - 260_000;
    return [
      EVER,
      { ...EVER, patients: [old.digest(PATIENT)] },
      { ...EVER, patients: [old.digest(PATIENT), old.digest(OTHER)], user: old.digest(USER) },
      { ...EVER, patients: [] },
      { ...EVER, patients: [old.digest('9990000034')] },
      { ...EVER, user: old.digest(USER), from: middle },
      { from: 0, to: middle, organisation: 'RQW' },
      { ...EVER, event: 'query-answered', region: 'london', outcome: 'answered' },
      { ...EVER, region: 'essex-suffolk' },
      { ...EVER, exchange: 'old-5' },
      { ...EVER, jti: 'old-130' },
      { ...EVER, log: old.origin, patients: [old.digest(OTHER)] },
      { ...EVER, log: 'other.example/log/1' },
      { ...EVER, breakGlass: true },
    ];
  };
  const foundBy = async (log: LogStore, size: number): Promise<unknown[][]> => {
    const all: unknown[][] = [];
    for (const search of searches()) {
      const found = await drain(walk(log, search, size));
      all.push(
        found.map(({ sequence, at, index, leaf }) => [sequence, at, index, Buffer.from(leaf).toString()]),
      );
    }
    return all;
  };
  const withFiles = (...names: string[]): Promise<ArchiveAndLog> =>
    withArchive({
      ...{ store, log: old.log, digest: old.digest },
      files: names.map((name) => ({ name, chunks: fileOf(join(federation.directory, name)) })),
    });
  const reportOf = (log: LogStore, isLeftOut?: (segment: Segment) => boolean): Promise<PatientReport> => {
    const sources = { archive: store.archive, isLeftOut, log: old.log, digest: old.digest };
    const question = { nhsNumber: PATIENT, also: [], ...EVER };
    return gatherReport(question, { store: log, ...sources, region: 'herts-west-essex' });
  };

  let earlier: { found: unknown[][]; report: PatientReport };
  before(async function () {
    this.timeout(60_000);
    federation = await startFederation({ regions: ['herts-west-essex', 'london'] });
    store = await openSqliteStore(join(federation.directory, 'archived.db'));
    old = await OldLog.open(federation, store);
    for (let nth = 0; nth < 5; nth += 1) {
      await old.write(64);
      await old.sign();
    }
    await old.writeMany(300);
    const settings = await old.settings(federation.directory);
    files = (await drain(archiveLog(settings, { before: Date.now(), most: 130 }))).map(({ file }) => file);
    earlier = { found: await foundBy(store.log, 100), report: await reportOf(store.log) };
    const cut = { before: Date.now(), streams: [], batch: 500, pause: () => Promise.resolve() };
    await pruneLog(settings, cut);
    assert.equal(await store.log.pruned(old.origin), 320);
  });
  after(async () => {
    await store.close();
    await federation.stop();
  });

  /** Without the entries that archiving itself writes. */
  const withoutPruning = (found: unknown[][]): unknown[][] =>
    found.map((rows) => rows.filter((row) => !String((row as unknown[])[3]).includes('"segment-pruned"')));

  it('find with the files what they found before the log was pruned, however many at a time', async () => {
    const { log, isLeftOut } = await withFiles(...files);
    for (const size of [7, 100, 1_000]) {
      const found = withoutPruning(await foundBy(log, size));
      assert.deepEqual(found, earlier.found, `pages of ${size}`);
      if (size === 7) assert.equal(found[1]?.length, 160);
    }
    const report = await reportOf(log, isLeftOut);
    assert.deepEqual(report, earlier.report);
    assert.deepEqual([report.accesses.length, report.notLookedAt], [160, []]);
  }).timeout(120_000);

  it('find a part with some of the files, and say which part they did not look at', async () => {
    const { log, isLeftOut } = await withFiles(files[1] ?? '');
    const report = await reportOf(log, isLeftOut);
    assert.equal(report.accesses.length, 64);
    assert.deepEqual(
      report.notLookedAt.map(({ from, to, files: names }) => [from, to, names]),
      [[0, 320, [files[2], files[0]]]],
    );
    const none = await withFiles();
    assert.equal((await reportOf(none.log, none.isLeftOut)).accesses.length, 0);
  });

  it('read one entry of a file by its number, with what is sealed', async () => {
    const { log } = await withFiles(...files);
    for (const sequence of [0, 127, 128, 319]) {
      const [entry] = await log.entries(old.origin, sequence, 5);
      assert.equal(entry?.sequence, sequence);
      assert.ok(old.log.read(entry).opened?.['nhs_number']);
    }
    assert.equal((await log.entries(old.origin, 320, 5)).length, 5);
  });

  it('find no more by patient or user what was erased, nor open it', async () => {
    const { log } = await withFiles(...files);
    const found = async () => log.search({ ...EVER, exchange: 'old-4', limit: 10 });
    const [entry] = await found();
    assert.equal(entry?.index.patient, old.digest(PATIENT));
    await store.log.erase(old.origin, [4]);
    const [erased] = await found();
    assert.deepEqual([erased?.sequence, erased?.index.patient, erased?.sealed], [4, undefined, undefined]);
    const about = await log.search({ ...EVER, patients: [old.digest(PATIENT)], limit: 1_000 });
    assert.ok(about.every(({ sequence }) => sequence !== 4));
  });

  it('take no file that is none of the store’s, or that was changed', async () => {
    const [first = ''] = files;
    const strange = join(federation.directory, 'strange.gz');
    writeFileSync(strange, readFileSync(join(federation.directory, first)));
    await assert.rejects(withFiles('strange.gz'), { code: 'file-missing' });
    const bytes = readFileSync(join(federation.directory, first));
    const wrong = [bytes.subarray(0, -1), readFileSync(join(federation.directory, files[1] ?? ''))];
    for (const one of wrong) {
      writeFileSync(join(federation.directory, first), one);
      const { log } = await withFiles(first);
      await assert.rejects(log.search({ ...EVER, limit: 10 }), { code: 'file-changed' });
    }
    writeFileSync(join(federation.directory, first), bytes);
    const { log } = await withFiles(first);
    assert.equal((await log.search({ ...EVER, to: old.at - 250_000, limit: 10 })).length, 10);
  });
});
