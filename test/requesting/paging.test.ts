import assert from 'node:assert/strict';
import fc from 'fast-check';

import type { BundleEntry } from '../../src/fhir/resource.ts';
import { checkSearch } from '../../src/fhir/search-parameters.ts';
import { selectPage, toAskNext, type SourceState } from '../../src/requesting/paging.ts';
import type { SourceAnswer } from '../../src/requesting/region-answer.ts';

type Sort = { parameter: string; descending: boolean } | undefined;

/** One record's whole answer: days after the first of January (none: undated), and its own page size. */
interface Record {
  readonly region: string;
  readonly days: readonly (number | undefined)[];
  readonly pageSize: number;
}

function entryOf(region: string, position: number, day: number | undefined): BundleEntry {
  const dated =
    day === undefined ? {} : { effectiveDateTime: new Date(Date.UTC(2026, 0, 1 + day)).toISOString() };
  const resource = { resourceType: 'Observation', id: `${region}-${position}`, ...dated };
  return { fullUrl: `https://broker.example/${resource.id}`, resource, search: { mode: 'match' } };
}

/** Answers as a record does: its page from a cursor (here: a position) on, and the next cursor. */
function answer({ region, days, pageSize }: Record, state: SourceState | undefined): SourceAnswer {
  const from = Number(state?.cursor ?? 0);
  const page = days.slice(from, from + pageSize);
  const more = from + pageSize < days.length ? { cursor: String(from + pageSize) } : {};
  const matches = page.map((day, at) => entryOf(region, from + at, day));
  const outcome = matches.length === 0 ? 'none' : 'answered';
  return { region, record: 'r', search: 'Observation', outcome, matches, includes: [], ...more };
}

/** Follows the pages to their end, as the broker and a viewer do together. */
function follow(records: readonly Record[], count: number | undefined, sort: Sort): BundleEntry[][] {
  const parameters: [string, string][] = [];
  if (count !== undefined) parameters.push(['_count', String(count)]);
  if (sort !== undefined) parameters.push(['_sort', `${sort.descending ? '-' : ''}${sort.parameter}`]);
  const searches = [checkSearch('Observation', parameters)];
  const pages: BundleEntry[][] = [];
  let states: readonly SourceState[] | undefined;
  do {
    const asked: readonly SourceState[] | undefined = states && toAskNext(states, searches);
    const sources = records
      .map((record) => ({ record, state: asked?.find((one) => one.region === record.region) }))
      .filter(({ state }) => asked === undefined || state !== undefined)
      .map(({ record, state }) => answer(record, state));
    const page = selectPage(sources, asked ?? [], count, sort);
    const carried = (states ?? []).filter((state) => !asked?.includes(state));
    pages.push(page.entries.map(({ entry }) => entry));
    states = [...page.next, ...carried];
    assert.ok(pages.length < 500, 'the pages do not end');
  } while (states.length > 0);
  return pages;
}

const dateOf = ({ resource }: BundleEntry): string =>
  typeof resource?.['effectiveDateTime'] === 'string' ? resource['effectiveDateTime'] : 'undated';
const idsOf = (records: readonly Record[]): string[] =>
  records.flatMap(({ region, days }) => days.map((_day, at) => `${region}-${at}`)).sort();
const shownIn = (pages: BundleEntry[][]): string[] =>
  pages
    .flat()
    .map((entry) => entry.resource?.id ?? '')
    .sort();

const anyRecords = fc
  .array(
    fc.record({
      days: fc.array(fc.option(fc.integer({ min: 0, max: 60 }), { nil: undefined }), { maxLength: 25 }),
      pageSize: fc.integer({ min: 1, max: 8 }),
    }),
    { maxLength: 4 },
  )
  .map((records): Record[] => records.map((record, at) => ({ region: `region-${at}`, ...record })));
const anyCount = fc.option(fc.integer({ min: 1, max: 12 }), { nil: undefined });

/** Sorts as the records do: by date, undated last either way. */
const sorted = (record: Record, descending: boolean): Record => {
  const dated = record.days.filter((day) => day !== undefined).sort((one, other) => one - other);
  const undated = record.days.filter((day) => day === undefined);
  return { ...record, days: [...(descending ? dated.reverse() : dated), ...undated] };
};

describe('paging over several records', () => {
  it('shows every entry exactly once, whatever the page sizes', () => {
    fc.assert(
      fc.property(anyRecords, anyCount, (records, count) => {
        const pages = follow(records, count, undefined);
        assert.deepEqual(shownIn(pages), idsOf(records));
        for (const page of pages) assert.ok(page.length <= (count ?? Infinity));
      }),
      { numRuns: 300 },
    );
  });

  it('keeps the order of each record', () => {
    fc.assert(
      fc.property(anyRecords, anyCount, (records, count) => {
        const shown = follow(records, count, undefined).flat();
        for (const { region, days } of records) {
          const own = shown.map((entry) => entry.resource?.id).filter((id) => id?.startsWith(`${region}-`));
          assert.deepEqual(
            own,
            days.map((_day, at) => `${region}-${at}`),
          );
        }
      }),
    );
  });

  for (const descending of [false, true]) {
    it(`merges what the records sorted ${descending ? 'down' : 'up'} into one order over all pages`, () => {
      fc.assert(
        fc.property(anyRecords, anyCount, (unsorted, count) => {
          const records = unsorted.map((record) => sorted(record, descending));
          const pages = follow(records, count, { parameter: 'date', descending });
          assert.deepEqual(shownIn(pages), idsOf(records));
          for (const page of pages) assert.ok(page.length <= (count ?? Infinity));
          const dates = pages.flat().map(dateOf);
          const dated = dates.filter((date) => date !== 'undated').sort();
          const wanted = descending ? dated.reverse() : dated;
          assert.deepEqual(dates, [...wanted, ...dates.filter((date) => date === 'undated')]);
        }),
        { numRuns: 300 },
      );
    });
  }
});

describe('one page', () => {
  const record = (region: string, days: number[], pageSize: number): Record => ({ region, days, pageSize });

  it('sorted, stops where any record’s own page ends while it has more', () => {
    const sources = [
      answer(record('a', [1, 4, 9, 10], 2), undefined),
      answer(record('b', [2, 3, 5, 6], 9), undefined),
    ];
    const page = selectPage(sources, [], 10, { parameter: 'date', descending: false });
    const ids = page.entries.map(({ entry }) => entry.resource?.id);
    assert.deepEqual(ids, ['a-0', 'b-0', 'b-1', 'a-1']);
    assert.deepEqual(page.next, [
      { region: 'a', record: 'r', search: 'Observation', cursor: '2', skip: 0 },
      { region: 'b', record: 'r', search: 'Observation', cursor: undefined, skip: 2 },
    ]);
  });

  it('unsorted, is filled from the first record that has more', () => {
    const sources = [answer(record('a', [1, 2], 5), undefined), answer(record('b', [1, 2, 3], 5), undefined)];
    const page = selectPage(sources, [], 3, undefined);
    assert.deepEqual(
      page.entries.map(({ entry }) => entry.resource?.id),
      ['a-0', 'a-1', 'b-0'],
    );
    assert.deepEqual(
      page.next.map(({ region, skip }) => [region, skip]),
      [['b', 1]],
    );
  });

  it('asks on the next one only the first region that has more, and all of them where sorted', () => {
    const states = ['a', 'b', 'a'].map((region, at) => ({
      region,
      record: `r${at}`,
      search: 'Observation',
      cursor: undefined,
      skip: 0,
    }));
    const ask = (...parameters: [string, string][]) =>
      toAskNext(states, [checkSearch('Observation', parameters)]).map(({ region, record: r }) => region + r);
    assert.deepEqual(ask(['_count', '5']), ['ar0', 'ar2']);
    assert.deepEqual(ask(['_count', '5'], ['_sort', 'date']), ['ar0', 'br1', 'ar2']);
    assert.deepEqual(ask(), ['ar0', 'br1', 'ar2']);
  });

  it('takes what is included where a match of the same record on the page refers to it, whichever source it came with', () => {
    const base = 'https://broker.example/a/r';
    const dr = {
      fullUrl: `${base}/Practitioner/dr`,
      resource: { resourceType: 'Practitioner', id: 'dr' },
      search: { mode: 'include' as const },
    };
    const refers = (reference: string) => ({
      fullUrl: `${base}/Observation/o`,
      resource: { resourceType: 'Observation', id: 'o', performer: [{ reference }] },
    });
    const included = (reference: string, region = 'a'): number => {
      const silent = { ...answer(record('a', [1], 5), undefined), search: 'Condition', includes: [dr] };
      const referring = { ...answer(record(region, [1], 5), undefined), matches: [refers(reference)] };
      const { entries } = selectPage([referring, silent], [], 1, undefined);
      return entries.filter(({ mode }) => mode === 'include').length;
    };
    assert.equal(included('Practitioner/dr'), 1);
    assert.equal(included(`${base}/Practitioner/dr`), 1);
    assert.equal(included('Practitioner/other'), 0);
    assert.equal(included('Practitioner/dr', 'b'), 0);
  });

  it('takes the record’s Patient with each page, though it is a match of another', () => {
    const patient = {
      resource: { resourceType: 'Patient', id: 'p' },
      search: { mode: 'match' as const },
    };
    const first = answer(record('a', [1], 5), undefined);
    const own = { ...first, search: 'Patient', matches: [patient] };
    const modes = (count: number) =>
      selectPage([first, own], [], count, undefined).entries.map(
        ({ entry, mode }) => `${entry.resource?.resourceType} ${mode}`,
      );
    assert.deepEqual(modes(1), ['Observation match', 'Patient include']);
    assert.deepEqual(modes(2), ['Observation match', 'Patient match']);
  });

  it('takes what is included with a record only when something of that record is shown', () => {
    const patient = { resource: { resourceType: 'Patient', id: 'p' }, search: { mode: 'include' as const } };
    const sources = [record('a', [1, 2], 5), record('b', [3], 5)].map((one) => ({
      ...answer(one, undefined),
      includes: [patient],
    }));
    const page = selectPage(sources, [], 2, undefined);
    assert.deepEqual(
      page.entries.map(({ source, mode }) => `${source.region} ${mode}`),
      ['a match', 'a match', 'a include'],
    );
  });
});
