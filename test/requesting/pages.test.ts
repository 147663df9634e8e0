import assert from 'node:assert/strict';

import { startFederation, type RawConfig, type TestFederation } from '../support/federation.ts';
import { issuesOf, matchesOf, TestViewer, type Reply } from '../support/viewer.ts';
import { followPages, shownIn } from './following-pages.ts';
import { IN_LONDON, IN_SUFFOLK, PATIENT, smallData } from './small-data.ts';

const OBSERVATION = `/fhir/Observation?patient=${PATIENT}`;
const ALL = [
  ...Array.from({ length: IN_LONDON }, (_item, at) => `london Observation/lon-${at}`),
  ...Array.from({ length: IN_SUFFOLK }, (_item, at) => `essex-suffolk Observation/suf-${at}`),
].sort();

describe('pages over two regions', () => {
  let federation: TestFederation;
  let viewer: TestViewer;
  before(async () => {
    // The records have pages of their own, smaller than what a viewer may ask for.
    const pageSize: Record<string, number> = { london: 4, 'essex-suffolk': 3 };
    federation = await startFederation({
      data: smallData(),
      edit: (region, config) => {
        for (const record of config['records'] as RawConfig[]) record['page_size'] = pageSize[region] ?? 250;
      },
    });
    viewer = new TestViewer(federation, 'herts-west-essex');
  });
  after(async () => {
    viewer.close();
    await federation.stop();
  });

  const follow = (query: string): Promise<Reply[]> => followPages(viewer, PATIENT, OBSERVATION + query);
  const datesOf = (replies: readonly Reply[]): string[] =>
    replies.flatMap(({ body }) =>
      matchesOf(body).map(({ resource }) => resource['effectiveDateTime'] as string),
    );

  for (const count of ['', '&_count=1', '&_count=2', '&_count=5', '&_count=7', '&_count=100']) {
    it(`show every entry once, none lost and none twice${count}`, async () => {
      const replies = await follow(count);
      assert.deepEqual(shownIn(replies).sort(), ALL);
      const most = Number(count.split('=')[1] ?? Infinity);
      for (const { body } of replies) assert.ok(matchesOf(body).length <= most);
    });
  }

  for (const [direction, sort] of [
    ['up', '&_sort=date'],
    ['down', '&_sort=-date'],
  ] as const) {
    for (const count of ['', '&_count=2', '&_count=5']) {
      it(`are merged into one order ${direction}${count}, none lost and none twice`, async () => {
        const replies = await follow(sort + count);
        assert.deepEqual(shownIn(replies).sort(), ALL);
        const dates = datesOf(replies);
        const wanted = dates.toSorted();
        assert.deepEqual(dates, direction === 'up' ? wanted : wanted.reverse());
      });
    }
  }

  it('sorted, end where the earliest record’s own page ends', async () => {
    const [first] = await follow('&_sort=date');
    // Suffolk hands over three (days 2, 4, 6), London four (1, 3, 5, 7): after day 6 Suffolk is not known yet.
    assert.deepEqual(shownIn([first as Reply]), [
      'london Observation/lon-0',
      'essex-suffolk Observation/suf-0',
      'london Observation/lon-1',
      'essex-suffolk Observation/suf-1',
      'london Observation/lon-2',
      'essex-suffolk Observation/suf-2',
    ]);
  });

  it('have the OperationOutcome with the roll-call on the first, and none after where nothing was lost', async () => {
    const [first, ...others] = await follow('&_count=7');
    assert.ok(issuesOf((first as Reply).body).length >= 4);
    assert.ok(others.length >= 3);
    for (const { body } of others) assert.deepEqual(issuesOf(body), []);
  });

  it('bring the Patient that the references point to on every page', async () => {
    for (const { body, text } of await follow('&_count=3')) {
      const patients = new Set(matchesOf(body).map(({ fullUrl }) => fullUrl.split('/Observation/')[0]));
      for (const base of patients) assert.ok(text.includes(`"fullUrl":"${base}/Patient/p1"`));
    }
  });

  it('never let a record’s own address out', async () => {
    for (const { text } of await follow('&_count=5')) {
      for (const record of ['london', 'essex-suffolk'] as const) {
        const { records } = federation.config(record);
        for (const { base } of records) assert.ok(!text.includes(base));
      }
      assert.ok(!text.includes('_offset'));
    }
  });

  it('of $everything show every resource once', async () => {
    for (const query of ['?_count=3', '?_count=20', '?_type=Observation,Condition&_count=4']) {
      const path = `/fhir/Patient/${PATIENT}/$everything${query}`;
      const shown = shownIn(await followPages(viewer, PATIENT, path));
      assert.equal(new Set(shown).size, shown.length);
      const observations = shown.filter((one) => one.includes('Observation/'));
      assert.deepEqual(observations.sort(), ALL);
      assert.equal(shown.filter((one) => one.includes('Condition/')).length, 2);
    }
  });

  it('keep the total of the first, where there is one', async () => {
    const two = await followPages(viewer, PATIENT, `/fhir/Condition?patient=${PATIENT}&_count=1`);
    assert.deepEqual(
      two.map(({ body }) => body['total']),
      [2, 2],
    );
  });
});
