import assert from 'node:assert/strict';
import fc from 'fast-check';

import { DirectoryDraft } from '../../src/routing/plan-directory-import.ts';
import { imported, importing, type Shown } from './imported.ts';

const centres = (day: string, says: Shown[2]): Shown => ['cost-centres', day, says];

describe('the history of the imported directory', () => {
  it('holds what changed from the day of the file that first says so', () => {
    const directory = imported(
      centres('2025-08-01', { F81027: { subIcb: '07H' } }),
      centres('2026-02-01', { F81027: { subIcb: '06N' } }),
    );
    const subIcb = (day: string) => directory.at('F81027', day)?.subIcb;
    assert.deepEqual(['2020-01-01', '2026-01-31', '2026-02-01', '2030-01-01'].map(subIcb), [
      '07H',
      '07H',
      '06N',
      '06N',
    ]);
    assert.deepEqual(
      ['2026-01-31', '2026-02-01'].map((day) => directory.at('F81027', day)?.since),
      [undefined, '2026-02-01'],
    );
  });

  it('and from the day that the file names for it, where it is a day since the file before', () => {
    const at = (joined: string, day: string) =>
      imported(
        centres('2025-08-01', { F81027: { subIcb: '07H', joined: '2013-04-01' } }),
        centres('2026-02-01', { F81027: { subIcb: '06N', joined } }),
      ).at('F81027', day)?.subIcb;
    assert.deepEqual([at('2025-10-01', '2025-09-30'), at('2025-10-01', '2025-10-01')], ['07H', '06N']);
    // What was announced counts from its day on.
    assert.deepEqual([at('2026-04-01', '2026-03-31'), at('2026-04-01', '2026-04-01')], ['07H', '06N']);
    // The file before would have known of it.
    assert.equal(at('2024-01-01', '2025-01-01'), '07H');
  });

  it('knows whether something was open by its dates, whichever file told of them', () => {
    const directory = imported(
      centres('2025-08-01', { F81027: { status: 'open', opened: '1974-04-01' } }),
      centres('2026-02-01', { F81027: { status: 'closed', opened: '1974-04-01', closed: '2025-12-31' } }),
    );
    const status = (day: string) => directory.at('F81027', day)?.status;
    assert.deepEqual(['1974-03-31', '1974-04-01', '2025-12-31', '2026-01-01', '2026-11-01'].map(status), [
      'not-yet-open',
      'open',
      'open',
      'closed',
      'closed',
    ]);
    assert.equal(imported(['icbs', '2024-12-01', { QM7: {} }]).at('QM7', '2026-01-01')?.status, undefined);
  });

  it('forgets an announced move that a later file does not say any more, for good', () => {
    const old = { subIcb: '07H', joined: '2013-04-01' };
    const files = [
      centres('2026-11-01', { F81027: old }),
      centres('2026-12-01', { F81027: { subIcb: '06Q', joined: '2027-04-01' } }),
      centres('2027-01-01', { F81027: old }),
      centres('2027-05-01', { F81027: old }),
    ];
    const subIcbs = (shown: readonly Shown[], days: readonly string[]) =>
      days.map((day) => imported(...shown).at('F81027', day)?.subIcb);
    const days = ['2026-12-15', '2027-03-31', '2027-04-01', '2027-06-01'];
    assert.deepEqual(subIcbs(files.slice(0, 2), days), ['07H', '07H', '06Q', '06Q']);
    assert.deepEqual(subIcbs(files, days), ['07H', '07H', '07H', '07H']);
    assert.deepEqual(subIcbs(files.toReversed(), days), ['07H', '07H', '07H', '07H']);
    // And of a code that the announcing file was the first to name.
    assert.deepEqual(subIcbs(files.slice(1), days), ['07H', '07H', '07H', '07H']);
    assert.equal(imported(...files.slice(1)).at('F81027', '2027-06-01')?.since, undefined);
  });

  it('counts a postponed move from the later day, and one that is said again from its own', () => {
    const at = (day: string, third: { joined: string; name?: string }) =>
      imported(
        centres('2026-11-01', { F81027: { subIcb: '07H', joined: '2013-04-01' } }),
        centres('2026-12-01', { F81027: { subIcb: '06Q', joined: '2027-04-01' } }),
        centres('2027-01-01', { F81027: { subIcb: '06Q', ...third } }),
      ).at('F81027', day)?.subIcb;
    const postponed = { joined: '2027-07-01' };
    assert.deepEqual([at('2027-06-30', postponed), at('2027-07-01', postponed)], ['07H', '06Q']);
    const again = { joined: '2027-04-01', name: 'ANOTHER NAME' };
    assert.deepEqual([at('2027-03-31', again), at('2027-04-01', again)], ['07H', '06Q']);
  });

  it('forgets an announced closing that a later file does not say any more', () => {
    const files = [
      centres('2026-11-01', { F81027: { status: 'open' } }),
      centres('2026-12-01', { F81027: { status: 'open', closed: '2027-03-31' } }),
      centres('2027-01-01', { F81027: { status: 'open' } }),
    ];
    const status = (shown: readonly Shown[]) =>
      ['2026-12-15', '2027-03-31', '2027-04-01', '2028-01-01'].map(
        (day) => imported(...shown).at('F81027', day)?.status,
      );
    assert.deepEqual(status(files.slice(0, 2)), ['open', 'open', 'closed', 'closed']);
    assert.deepEqual(status(files), ['open', 'open', 'open', 'open']);
  });

  it('moves what a file moves and announces the closing of, before it closes', () => {
    const directory = (closed: string) =>
      imported(
        centres('2026-11-01', { F81027: { subIcb: '07H', joined: '2013-04-01', status: 'open' } }),
        centres('2026-12-01', { F81027: { subIcb: '06Q', joined: '2013-04-01', status: 'open', closed } }),
      );
    const told = (closed: string, day: string) => {
      const { subIcb, status } = directory(closed).at('F81027', day) ?? {};
      return [subIcb, status];
    };
    assert.deepEqual(told('2027-06-30', '2026-12-01'), ['06Q', 'open']);
    assert.deepEqual(told('2027-06-30', '2027-07-01'), ['06Q', 'closed']);
    assert.deepEqual(told('2026-11-15', '2026-11-20'), ['07H', 'closed']);
  });

  it('takes, of files of two kinds, the one that says last where a practice leads', () => {
    const directory = imported(
      centres('2026-02-01', { H81013: { subIcb: 'D4U1Y', joined: '2013-04-01', status: 'open' } }),
      ['practice-map', '2026-08-01', { H81013: { subIcb: '92A', icb: 'S9B9J' } }],
    );
    const told = (day: string) => directory.at('H81013', day);
    assert.deepEqual([told('2026-03-31')?.subIcb, told('2026-08-01')?.subIcb], ['D4U1Y', '92A']);
    assert.deepEqual(
      [told('2026-08-01')?.status, told('2026-08-01')?.kinds],
      ['open', ['cost-centres', 'practice-map']],
    );
  });

  it('says nothing of a code that no file names, and leaves alone what a newer file has not', () => {
    const directory = imported(
      centres('2025-08-01', { F81027: { subIcb: '07H' } }),
      centres('2026-02-01', { E82006: { subIcb: '06K' } }),
    );
    assert.equal(directory.at('Z99999', '2026-03-01'), undefined);
    assert.equal(directory.at('F81027', '2026-03-01')?.subIcb, '07H');
    assert.deepEqual(directory.codes(), ['E82006', 'F81027']);
  });

  it('is the same whichever file came first, and a file once more changes nothing', () => {
    const says = fc.record({ A: fc.constantFrom('x', 'y'), B: fc.constantFrom('x', 'y', 'z') });
    const days = fc.uniqueArray(
      fc.constantFrom('2025-01-01', '2025-06-01', '2026-01-01', '2026-06-01', '2027-01-01'),
      {
        minLength: 1,
      },
    );
    const files = days.chain((some) => fc.tuple(...some.map((day) => says.map((of) => ({ day, of })))));
    fc.assert(
      fc.property(files, fc.infiniteStream<number>(fc.nat()), (given, order) => {
        const shown = given.map(({ day, of }) => centres(day, { A: { subIcb: of.A }, B: { subIcb: of.B } }));
        const inOrder = importing(shown.toSorted((one, other) => (one[1] < other[1] ? -1 : 1)));
        const shuffled = shown
          .map((file) => ({ file, place: order.next().value as number }))
          .toSorted((one, other) => one.place - other.place);
        const sorted = ({ versions }: typeof inOrder) =>
          versions.map(({ code, seen, facts }) => `${code} ${seen} ${facts}`).sort();
        const mixed = importing(shuffled.map(({ file }) => file));
        assert.deepEqual(sorted(mixed), sorted(inOrder));
        assert.deepEqual(sorted(importing([...shown, ...shown])), sorted(inOrder));
        for (const { day, of } of given) {
          for (const code of ['A', 'B'] as const) {
            const found = imported(...shown).at(code, day)?.subIcb;
            assert.equal(found, of[code]);
          }
        }
      }),
    );
  });
});

describe('what an import makes', () => {
  const before = importing([
    centres('2025-08-01', {
      F81027: { subIcb: '07H', status: 'open' },
      E82006: { subIcb: '06K', status: 'open' },
      E82074: { subIcb: '06K', status: 'open' },
      E82069: { subIcb: '06N', status: 'open' },
    }),
  ]);
  const organisations = new Map([
    ['F81027', { name: 'F81027', subIcb: '06N', status: 'open' as const }],
    ['E82006', { name: 'E82006', subIcb: '06K', status: 'closed' as const, closed: '2026-01-31' }],
    ['E82074', { name: 'ANOTHER NAME', subIcb: '06K', status: 'open' as const }],
    ['H83006', { name: 'H83006', subIcb: '36L', status: 'open' as const }],
  ]);
  const told = (day: string) => {
    const { changes, same, absent } = new DirectoryDraft(before).take(
      { kind: 'cost-centres', organisations },
      day,
    );
    return [changes.map(({ code, what }) => `${code} ${what}`), same, absent];
  };

  it('is told by what is new, closed, moved and changed', () => {
    assert.deepEqual(told('2026-02-01'), [
      ['F81027 moved', 'E82006 closed', 'E82074 changed', 'H83006 new'],
      0,
      1,
    ]);
  });

  it('and of a file older than what is known only adds to the past', () => {
    assert.deepEqual(told('2025-01-01'), [
      ['F81027 earlier', 'E82006 earlier', 'E82074 earlier', 'H83006 new'],
      0,
      1,
    ]);
  });
});
