import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { openStore } from '../../src/broker.ts';
import { careLocationsCommand } from '../../src/cli/care-locations.ts';
import { testNhsNumbers } from '../../src/demo/test-nhs-number.ts';
import { countIndex } from '../../src/whereabouts/walk-index.ts';
import { readAudit } from '../support/audit.ts';
import { startWayleave } from '../support/command.ts';
import { startFederation, type TestFederation } from '../support/federation.ts';
import { until } from '../support/until.ts';
import { called } from './in-process.ts';

const HEADER = 'nhs_number,organisation,first_seen,last_seen';

describe('wayleave care-locations, beside a running broker', () => {
  let federation: TestFederation;
  /** Of the stories, before anything is imported. */
  let seeded: Awaited<ReturnType<typeof stats>>;
  const stats = async () => {
    const store = await openStore(federation.config('london'));
    try {
      return await countIndex(store.careLocations);
    } finally {
      await store.close();
    }
  };
  before(async () => {
    federation = await startFederation({ regions: ['london'] });
    seeded = await stats();
  });
  after(() => federation.stop());

  const run = (...words: readonly string[]) =>
    called(careLocationsCommand, [...words, '--config', federation.config('london').source]);
  const file = (name: string, lines: readonly string[]): string => {
    const path = join(federation.directory, name);
    writeFileSync(path, [HEADER, ...lines].join('\n'));
    return path;
  };
  const imported = (out: string) => JSON.parse(out) as Record<string, unknown>;
  const events = async (event: string) =>
    (await readAudit(federation.config('london'))).filter((row) => row.event === event);

  it('imports what can be read, says what it refused, and ends with 3', async () => {
    const path = file('some.csv', ['9990000018,RJ6,2026-01-01,2026-02-01', '9990000019,RJ6,2026-01-01,']);
    const { code, out, err } = await run('import', path, '--source', 'pas', '--json');
    assert.equal(code, 3, err);
    const { read, refused, added, faults } = imported(out);
    assert.deepEqual([read, refused, added], [2, 1, 1]);
    assert.deepEqual(faults, { 'nhs-number-wrong': { count: 1, lines: [3] } });
    const again = await run('import', path, '--source', 'pas');
    assert.equal(again.code, 3);
    assert.match(again.out, /0 new, 0 widened, 1 as they were/);
    assert.doesNotMatch(out + err + again.out + again.err, /99900000\d\d/);
    const rows = await events('care-locations-imported');
    assert.deepEqual(
      rows.map(({ count, detail }) => [count, (detail as { source: string }).source]),
      [
        [2, 'pas'],
        [2, 'pas'],
      ],
    );
    const all = await stats();
    assert.equal(all.sources.find(({ source }) => source === 'pas')?.locations, 1);
  });

  it('takes nothing with --strict where a line is refused', async () => {
    const good = file('good.csv', ['9990000026,RJ6,2026-01-01,']);
    const bad = file('bad.csv', ['9990000026,RQM,2026-01-01,', '9990000026,RQM,2999-01-01,']);
    const counted = await stats();
    const { code, err } = await run('import', good, bad, '--strict', '--source', 'strict');
    assert.equal(code, 1);
    assert.match(err, /date-future.*Line 3/);
    assert.deepEqual(await stats(), counted);
    assert.equal((await run('import', good, '--strict', '--source', 'strict')).code, 0);
    assert.equal((await stats()).locations, counted.locations + 1);
  });

  it('answers a file that is none, or is not there, with a sentence', async () => {
    const path = join(federation.directory, 'none.csv');
    writeFileSync(path, 'a,b\n1,2\n');
    for (const name of [path, join(federation.directory, 'nowhere.csv'), federation.directory]) {
      const { code, err } = await run('import', name);
      assert.equal(code, 1);
      assert.match(err, /: /);
      assert.doesNotMatch(err, /\n {4}at /);
    }
    assert.equal((await run('import', path, '--source', 'Our PAS')).code, 2);
    assert.equal((await run('forget', '--before', '2026-13-01')).code, 2);
    assert.equal((await run('forget', '--before', '2999-01-01')).code, 2);
  });

  it('goes on where it was when it was killed', async function () {
    this.timeout(120_000);
    const numbers = testNhsNumbers('9990000000', 60_000);
    const path = file(
      'many.csv',
      numbers.flatMap((one, nth) =>
        [0, 1, 2].map((n) => `${one},R${n}${nth % 90},2026-0${n + 1}-01,2026-0${n + 1}-02`),
      ),
    );
    const { source, store } = federation.config('london');
    const counted = (await stats()).locations;
    const child = startWayleave('care-locations', 'import', path, '--config', source, '--source', 'killed');
    const ended = once(child, 'exit');
    // Looked at directly: a look at the whole index takes as long as the import of it.
    using db = new DatabaseSync(store.slice('sqlite:'.length), { readOnly: true });
    const rows = db.prepare('SELECT count(*) AS rows FROM care_sighting');
    const before = rows.get()?.['rows'];
    await until(() => rows.get()?.['rows'] !== before);
    child.kill('SIGKILL');
    await ended;
    const half = (await stats()).locations;
    assert.ok(half < counted + 180_000, 'it was done before it was killed');
    const { code, out } = await run('import', path, '--source', 'killed', '--json');
    assert.equal(code, 0);
    const { read, resumed, unchanged, added } = imported(out);
    assert.deepEqual([read, resumed], [180_000, true]);
    assert.equal(Number(unchanged) + Number(added), 180_000);
    assert.equal((await stats()).locations, counted + 180_000);
    assert.deepEqual(
      readdirSync(dirname(store.slice('sqlite:'.length))).filter((name) => name.includes('.import-')),
      [],
    );
    assert.equal((await events('care-locations-imported')).at(-1)?.count, 180_000);
    assert.equal((await federation.broker('london').status()).store, 'ok');
  });

  it('counts, and forgets what was last seen before a day', async () => {
    const path = file('old.csv', [
      '9990000034,RJ6,1990-01-01,1999-12-31',
      '9990000034,RJ7,1990-01-01,2000-01-01',
    ]);
    await run('import', path, '--source', 'old');
    const { out } = await run('stats', '--json');
    const { patients, sources } = JSON.parse(out) as { patients: number; sources: { source: string }[] };
    assert.ok(patients > seeded.patients);
    assert.deepEqual(
      sources.find(({ source }) => source === 'old'),
      { source: 'old', locations: 2, firstSeen: '1990-01-01', lastSeen: '2000-01-01' },
    );
    const { code, out: forgotten } = await run('forget', '--before', '2000-01-01', '--json');
    assert.equal(code, 0);
    assert.deepEqual(JSON.parse(forgotten), { forgotten: 1 });
    const [row] = await events('care-locations-forgotten');
    assert.deepEqual([row?.count, row?.detail], [1, { before: '2000-01-01' }]);
    assert.match((await run('stats')).out, /old: 1 locations/);
  });
});
