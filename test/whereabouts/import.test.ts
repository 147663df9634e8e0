import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { testNhsNumbers } from '../../src/demo/test-nhs-number.ts';
import type { SeenPatient } from '../../src/routing/seen-patients.ts';
import type { SightingStage, Store } from '../../src/store/contracts.ts';
import { openSqliteStage } from '../../src/store/sqlite/sighting-stage.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import {
  checkFile,
  importFile,
  NotCareLocations,
  type ImportParts,
} from '../../src/whereabouts/import/import-file.ts';
import { countIndex } from '../../src/whereabouts/walk-index.ts';

const NOW = Date.parse('2026-11-23T12:00:00Z');
const HEADER = 'nhs_number,organisation,first_seen,last_seen,source';
const digest = (text: string): Buffer => createHmac('sha256', 'key').update(text).digest();
const patient = (nhsNumber: string): string => digest(nhsNumber).toString('base64url');

describe('an import of care locations', () => {
  const numbers = testNhsNumbers('9990000000', 2_000);
  let directory: string;
  let store: Store;
  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'wayleave-'));
    store = await openSqliteStore(join(directory, 'store.db'));
  });
  afterEach(async () => {
    await store.close();
    rmSync(directory, { recursive: true });
  });

  const openStage = (name: string): SightingStage => openSqliteStage(join(directory, `import-${name}`));
  const parts = (more: Partial<ImportParts> = {}): ImportParts => ({
    ...{ store: store.careLocations, openStage, digest, source: 'import', now: () => NOW },
    onMerged: () => Promise.resolve(),
    ...more,
  });
  const file = (text: string | Buffer): string => {
    const name = join(directory, 'in.txt');
    writeFileSync(name, text);
    return name;
  };
  const stages = (): string[] => readdirSync(directory).filter((name) => name.startsWith('import-'));
  /** 6,000 lines of three places for each patient. */
  const many = (): string =>
    [
      HEADER,
      ...[0, 1, 2].flatMap((n) => numbers.map((one, nth) => `${one},R${n}${nth % 50},2026-0${n + 1}-01,,`)),
    ].join('\r\n');

  it('takes the lines that can be read, and names the others by line and reason alone', async () => {
    const [one = '', two = ''] = numbers;
    const name = file(
      [
        `\uFEFF${HEADER}`,
        ...[
          `${one},RJ6,2026-01-01,2026-02-01,pas`,
          '',
          `${two},RJ611,2025-01-01,,`,
          '9990000019,RJ6,2026-01-01,,',
        ],
        ...[
          `${one},RJ6,2026-05-01,,pas`,
          `${one},RQW,2027-01-01,,`,
          '9990000019,RJ6,2026-01-01,,',
          `${two},"RJ6`,
        ],
      ].join('\n'),
    );
    const imported = await importFile(name, parts());
    const { read, refused, added, widened, unchanged, kind, resumed, faults } = imported;
    assert.deepEqual(
      { read, refused, added, widened, unchanged, kind, resumed },
      { read: 7, refused: 4, added: 2, widened: 0, unchanged: 0, kind: 'csv', resumed: false },
    );
    assert.deepEqual(faults, {
      'nhs-number-wrong': { count: 2, lines: [5, 8] },
      'date-future': { count: 1, lines: [7] },
      quotes: { count: 1, lines: [9] },
    });
    const at = (text: string): number => Date.parse(text);
    assert.deepEqual(await store.careLocations.of([patient(one)]), [
      {
        ...{ patient: patient(one), organisation: 'RJ6', source: 'pas' },
        ...{ firstSeen: at('2026-01-01'), lastSeen: at('2026-05-01') },
      },
    ]);
    assert.equal((await store.careLocations.of([patient(two)]))[0]?.source, 'import');
    assert.doesNotMatch(JSON.stringify(imported), /999000/);
  });

  it('changes nothing when the same file comes again, and widens by another', async () => {
    const first = await importFile(file(many()), parts());
    assert.deepEqual([first.added, first.unchanged], [6_000, 0]);
    const second = await importFile(file(many()), parts());
    assert.deepEqual([second.added, second.widened, second.unchanged, second.resumed], [0, 0, 6_000, false]);
    const third = await importFile(file(many().replaceAll('2026-01-01', '2025-01-01')), parts());
    assert.deepEqual([third.added, third.widened, third.unchanged], [0, 2_000, 4_000]);
    const { patients, locations, sources } = await countIndex(store.careLocations);
    assert.deepEqual([patients, locations, sources.length], [2_000, 6_000, 1]);
    assert.deepEqual(stages(), []);
  });

  it('reads Encounters, one to a line', async () => {
    const [one = '', two = ''] = numbers;
    const encounter = (value: string, more: object = {}) =>
      JSON.stringify({
        ...{ resourceType: 'Encounter', status: 'finished', period: { start: '2026-03-01T10:00:00Z' } },
        subject: { identifier: { system: 'https://fhir.nhs.uk/Id/nhs-number', value } },
        serviceProvider: {
          identifier: { system: 'https://fhir.nhs.uk/Id/ods-organization-code', value: 'RJ6' },
        },
        ...more,
      });
    const lines = [
      ...[encounter(one), encounter(two, { status: 'cancelled' }), '{"resourceType":"Patient"}'],
      ...[
        encounter('9990000019'),
        encounter(two).slice(0, -9),
        encounter(two, { subject: { reference: 'Patient/1' } }),
      ],
    ];
    const imported = await importFile(file(lines.join('\n')), parts());
    assert.deepEqual(
      [imported.kind, imported.read, imported.notSightings, imported.refused, imported.added],
      ['encounters', 6, 1, 4, 1],
    );
    assert.deepEqual(Object.keys(imported.faults).toSorted(), [
      ...['nhs-number-missing', 'nhs-number-wrong', 'not-an-encounter', 'not-json'],
    ]);
    assert.equal((await store.careLocations.of([patient(one)])).length, 1);
  });

  it('refuses a file that is of another kind, and takes nothing of it', async () => {
    for (const text of [
      '',
      'name,address\na,b',
      '[{"resourceType":"Encounter"}]',
      Buffer.from([0x1f, 0x8b, 8, 0, 1]),
    ]) {
      await assert.rejects(importFile(file(text), parts()), NotCareLocations);
    }
    assert.deepEqual(stages(), []);
  });

  it('refuses a line that has no end, in constant memory, and takes those around it', async () => {
    const [one = '', two = ''] = numbers;
    const lines = [HEADER, `${one},RJ6,2026-01-01,,`, 'x'.repeat(5_000_000), `${two},RJ6,2026-01-01,,`];
    const imported = await importFile(file(lines.join('\n')), parts());
    assert.deepEqual([imported.read, imported.added], [3, 2]);
    assert.deepEqual(imported.faults, { 'too-long': { count: 1, lines: [3] } });
  });

  it('reads Latin-1 and a file that is cut in the middle of a line without taking what is not there', async () => {
    const [one = '', two = ''] = numbers;
    const text = `${HEADER}\n${one},RJ\xe9,2026-01-01,,\n${two},RJ6,2026-01`;
    const imported = await importFile(file(Buffer.from(text, 'latin1')), parts());
    assert.deepEqual(Object.keys(imported.faults).toSorted(), ['columns', 'organisation-wrong']);
    assert.equal(imported.added, 0);
  });

  it('checks a file without taking anything of it', async () => {
    const { read, refused } = await checkFile(file(`${many()}\nwrong`), () => NOW);
    assert.deepEqual([read, refused], [6_001, 1]);
    assert.equal((await countIndex(store.careLocations)).locations, 0);
  });

  it('goes on where it was when it was cut short, while reading, and while merging', async () => {
    const name = file(many());
    let marks = 0;
    const cutAt = (nth: number) => (stage: string) => {
      const real = openStage(stage);
      marks = 0;
      const mark = (state: string): void => {
        real.mark(state);
        marks += 1;
        if (marks === nth) throw new Error('cut');
      };
      return { ...bound(real), mark };
    };
    let merges = 0;
    const merge: Store['careLocations']['merge'] = (rows) => {
      merges += 1;
      return merges === 2 ? Promise.reject(new Error('cut')) : store.careLocations.merge(rows);
    };
    const cuts: Partial<ImportParts>[] = [
      ...[{ openStage: cutAt(1) }, { store: { ...store.careLocations, merge } }],
      ...[{ openStage: cutAt(1) }],
    ];
    for (const cut of cuts) {
      await assert.rejects(importFile(name, parts(cut)), /cut/);
      const [stage = ''] = stages();
      assert.equal(statSync(join(directory, stage)).mode & 0o777, 0o600);
    }
    assert.equal(merges, 2);
    const imported = await importFile(name, parts());
    assert.deepEqual([imported.resumed, imported.read], [true, 6_000]);
    const { patients, locations } = await countIndex(store.careLocations);
    assert.deepEqual([patients, locations], [2_000, 6_000]);
    assert.deepEqual(stages(), []);
  });

  it('holds no number on the disk while it waits', async () => {
    const name = file(many());
    let bytes = Buffer.alloc(0);
    const onMerged = async (): Promise<void> => {
      const { readFileSync } = await import('node:fs');
      const [stage = ''] = stages();
      bytes = readFileSync(join(directory, stage));
    };
    await importFile(name, parts({ onMerged }));
    assert.ok(bytes.length > 6_000 * 28);
    assert.equal(
      numbers.some((one) => bytes.includes(one)),
      false,
    );
  });

  it('tells who was seen before it marks its progress, as much at once as it reads, and again after a failure', async () => {
    const [header = '', ...lines] = many().split('\r\n');
    const name = file([header, ...Array.from({ length: 20 }, () => lines).flat()].join('\n'));
    let told: SeenPatient[][] = [];
    let marks = 0;
    const cutOpen = (stage: string): SightingStage => {
      const real = openStage(stage);
      return { ...bound(real), mark: (state) => (real.mark(state), void (marks += 1)) };
    };
    const onSeen = async (seen: readonly SeenPatient[]): Promise<void> => {
      assert.equal(marks, 0);
      told.push([...seen]);
      if (told.length === 3) throw new Error('no room');
    };
    await assert.rejects(importFile(name, parts({ openStage: cutOpen, onSeen })), /no room/);
    assert.equal((await countIndex(store.careLocations)).locations, 0);
    told = [[], [], []];
    await importFile(name, parts({ openStage: cutOpen, onSeen }));
    const all = told.flat();
    assert.equal(all.length, 120_000);
    assert.ok(told.every((batch) => batch.length <= 50_000));
    const [one = ''] = numbers;
    assert.deepEqual(all[0], {
      ...{ nhsNumber: one, patient: patient(one), organisation: 'R00', lastSeen: Date.parse('2026-01-01') },
    });
  });

  it('calls what writes it down again where that failed, and only then removes what it waited in', async () => {
    const name = file(many());
    await assert.rejects(
      importFile(name, parts({ onMerged: () => Promise.reject(new Error('full')) })),
      /full/,
    );
    assert.equal(stages().length, 1);
    let written = 0;
    const onMerged = async ({ added }: { added: number }): Promise<void> => void (written = added);
    await importFile(name, parts({ onMerged }));
    assert.equal(written, 6_000);
    assert.deepEqual(stages(), []);
  });

  it('is not begun twice at the same time', async () => {
    const name = file(many());
    let second: unknown;
    const onMerged = async (): Promise<void> => {
      second = await importFile(name, parts()).catch((error: unknown) => error);
    };
    await importFile(name, parts({ onMerged }));
    assert.match((second as Error).message, /in use/);
    assert.ok(existsSync(name));
  });
});

function bound(stage: SightingStage): SightingStage {
  return {
    parts: stage.parts,
    state: () => stage.state(),
    add: (sighting) => stage.add(sighting),
    mark: (state) => stage.mark(state),
    rowsOf: (part) => stage.rowsOf(part),
    close: () => stage.close(),
    remove: () => stage.remove(),
  };
}
