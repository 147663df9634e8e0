import assert from 'node:assert/strict';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { openStore, patientDigestOf } from '../../src/broker.ts';
import { registerCommand } from '../../src/cli/register.ts';
import { storeSecrets } from '../../src/config/secrets.ts';
import { testNhsNumbers } from '../../src/demo/test-nhs-number.ts';
import { PatientNumberSeal } from '../../src/evidence/patient-number-seal.ts';
import type { RegisterEntry } from '../../src/store/contracts.ts';
import { smallData } from '../requesting/small-data.ts';
import { startFederation, type TestFederation } from '../support/federation.ts';
import type { Ran } from '../support/command.ts';
import { called } from './in-process.ts';

const NUMBERS = testNhsNumbers('9995000000', 10);
const [FIRST = '', SECOND = ''] = NUMBERS;

describe('wayleave register', () => {
  let federation: TestFederation;
  let csv: string;
  let config: string;
  beforeEach(async () => {
    federation = await startFederation({ data: smallData(), regions: ['london'] });
    csv = join(federation.directory, 'register.csv');
    config = join(federation.directory, 'london.yaml');
  });
  afterEach(() => federation.stop());

  const write = (numbers: readonly string[], practice = 'H83006'): void =>
    writeFileSync(
      csv,
      ['nhs_number,practice', ...numbers.map((one) => `${one},${practice}`), ''].join('\r\n'),
    );
  const run = (...words: string[]): Promise<Ran> =>
    called(registerCommand, [...words, '--config', config, '--json']);
  const told = ({ out }: Ran): Record<string, unknown> => JSON.parse(out) as Record<string, unknown>;
  async function entryOf(nhsNumber: string): Promise<RegisterEntry | undefined> {
    const secrets = storeSecrets(federation.config('london').secretsDirectory);
    const store = await openStore(federation.config('london'));
    try {
      const patient = patientDigestOf(secrets)(nhsNumber);
      const [entry] = await store.register.of([patient]);
      if (entry !== undefined) {
        const seal = new PatientNumberSeal(secrets.patientDigestKey);
        assert.equal(seal.open(entry.sealedNumber, patient), nhsNumber);
      }
      return entry;
    } finally {
      await store.close();
    }
  }

  it('import reads a file beside a running broker, and again; stats counts', async () => {
    write(NUMBERS);
    for (let nth = 0; nth < 2; nth += 1) {
      const ran = await run('import', csv, '--whole');
      assert.equal(ran.code, 0, ran.err);
      assert.deepEqual(told(ran), { read: 10, faults: 0, left: 0, missing: 0 });
    }
    const { present, left, whole_at: wholeAt } = told(await run('stats'));
    assert.deepEqual([present, left], [10, 0]);
    assert.ok(Date.parse(String(wholeAt)) > 0);
    assert.equal((await entryOf(FIRST))?.practice, 'H83006');
  });

  it('knows since when only those are here who came after the whole was read once', async () => {
    write([FIRST]);
    await run('import', csv, '--whole');
    assert.equal((await entryOf(FIRST))?.from, undefined);
    write([FIRST, SECOND]);
    await run('import', csv, '--whole');
    assert.equal((await entryOf(FIRST))?.from, undefined);
    assert.ok(((await entryOf(SECOND))?.from ?? 0) > 0);
  });

  it('marks as left who is missing from the whole, and takes back who comes again', async () => {
    write(NUMBERS);
    await run('import', csv, '--whole');
    write(NUMBERS.slice(1));
    assert.deepEqual(told(await run('import', csv, '--whole')), { read: 9, faults: 0, left: 1, missing: 1 });
    assert.ok(((await entryOf(FIRST))?.until ?? 0) > 0);
    write([FIRST]);
    assert.deepEqual(told(await run('import', csv)), { read: 1, faults: 0 });
    assert.equal((await entryOf(FIRST))?.until, undefined);
    assert.deepEqual([told(await run('stats'))['present'], told(await run('stats'))['left']], [10, 0]);
  });

  it('marks nobody where too many would be, unless it is told to', async () => {
    write(NUMBERS);
    await run('import', csv, '--whole');
    write(NUMBERS.slice(3));
    const refused = await run('import', csv, '--whole');
    assert.equal(refused.code, 3);
    assert.deepEqual(told(refused), { read: 7, faults: 0, left: 0, missing: 3, kept: 'too-many' });
    assert.equal(told(await run('import', csv, '--whole', '--most-leavers', '30'))['left'], 3);
    write(NUMBERS.slice(9));
    assert.equal(told(await run('import', csv, '--whole', '--leavers-anyway'))['left'], 6);
  });

  it('takes the good lines, names the bad ones by their place alone, and then marks nobody', async () => {
    write(NUMBERS);
    await run('import', csv, '--whole');
    write(NUMBERS.slice(1));
    appendFileSync(csv, '9995000000,H83006\r\n9995');
    const ran = await run('import', csv, '--whole', '--leavers-anyway');
    assert.equal(ran.code, 3);
    assert.deepEqual(told(ran), { read: 9, faults: 2, left: 0, missing: 1, kept: 'faults' });
    assert.match(ran.err, /register\.csv:11: /);
    assert.match(ran.err, /register\.csv:12: /);
    assert.doesNotMatch(ran.err, /9995/);
    assert.equal((await entryOf(FIRST))?.until, undefined);
  });

  const NONE: [what: string, text: string][] = [
    ['empty', ''],
    ['of another kind', 'nhs_number,kind\r\n9990000018,objection\r\n'],
    ['without lines', 'x'.repeat(300_000)],
  ];
  for (const [what, text] of NONE) {
    it(`imports nothing of a file that is ${what}`, async () => {
      writeFileSync(csv, text);
      assert.equal((await run('import', csv)).code, 1);
      assert.equal(told(await run('stats'))['present'], 0);
    });
  }

  it('says that a file is not there, and that options do not go together', async () => {
    assert.equal((await run('import', join(federation.directory, 'none.csv'))).code, 1);
    write([FIRST]);
    assert.equal((await run('import', csv, '--leavers-anyway')).code, 2);
    assert.notEqual((await run('import', csv, '--whole', '--most-leavers', 'all')).code, 0);
  });
});
