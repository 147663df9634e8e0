import assert from 'node:assert/strict';

import { regionConfig } from '../../../src/cli/region-config.ts';
import { readBundles, spreadBundles, type SpreadPerson } from '../../../src/demo/load-records.ts';
import {
  HOSPITALS,
  RECORDS,
  recordsOf,
  REGION_IDS,
  type RecordId,
  type RegionId,
} from '../../../src/demo/places.ts';
import { SEARCHABLE_TYPES } from '../../../src/fhir/search-parameters.ts';
import type { Bundle, Resource } from '../../../src/fhir/resource.ts';
import { Directory } from '../../../src/routing/directory.ts';
import { DemoViewer } from '../../support/running-demo.ts';
import { matchesOf, rollCallOf, warningsOf } from '../../support/viewer.ts';

const MOST_PAGES = 200;
const SMALL_PAGE = 20;

/** What was loaded comes back: all of it, once, and nothing else. */
export function everything(bundles: () => string): void {
  describe('$everything of every patient that was loaded', () => {
    let people: readonly SpreadPerson[];
    const counted = { asks: 0, pages: 0, resources: 0 };

    before(async () => {
      people = (await spreadBundles({ bundles: readBundles(bundles()), now: new Date() })).people;
    });
    after(() => {
      const { asks, pages, resources } = counted;
      process.stdout.write(`      ${asks} asks, ${pages} pages, ${resources} resources: each as loaded\n`);
    });

    it('was loaded into every record, in types that are shared', () => {
      for (const record of Object.keys(RECORDS) as RecordId[]) {
        const held = people.flatMap((person) => person.held[record]);
        assert.ok(held.length > 0, record);
        const shared = sharedTypes(record);
        assert.deepEqual(
          held.filter((key) => !shared.has(key.slice(0, key.indexOf('/')))),
          [],
        );
      }
    });

    it('every hospital where the demo treats leads to its own region', () => {
      const directory = new Directory(regionConfig({ region: 'london' }).directory);
      const lost = (Object.keys(RECORDS) as RecordId[]).flatMap((record) =>
        HOSPITALS[record]
          .filter(({ ods }) => !directory.feeds(ods, Date.now()).some((feed) => isFed(feed, record)))
          .map(({ ods }) => ods),
      );
      assert.deepEqual(lost, []);
    });

    for (const region of REGION_IDS) {
      it(`asked from ${region}`, async () => {
        const viewer = new DemoViewer(region);
        for (const person of people) {
          const { pages, resources } = await check(viewer, person, '');
          counted.asks += 1;
          counted.pages += pages;
          counted.resources += resources;
        }
      });
    }

    it('in small pages as in large ones', async () => {
      const region = REGION_IDS[1];
      const viewer = new DemoViewer(region);
      let more = 0;
      for (const person of people.slice(0, 4)) {
        const { pages, resources } = await check(viewer, person, `?_count=${SMALL_PAGE}`);
        assert.ok(pages >= Math.ceil(resources / SMALL_PAGE), `${pages} pages`);
        more += pages - 1;
      }
      assert.ok(more > 0);
    });
  });
}

async function check(
  viewer: DemoViewer,
  { nhsNumber, practice, held }: SpreadPerson,
  query: string,
): Promise<{ pages: number; resources: number }> {
  const asked = recordsAsked(RECORDS[practice.record].region, held, ownRecordsOf(viewer));
  const expected = asked.flatMap((record) =>
    held[record].map((key) => `${viewer.base}/regions/${RECORDS[record].region}/${record}/fhir/${key}`),
  );
  const found: string[] = [];
  let pages = 0;
  let next: string | undefined = `/fhir/Patient/${nhsNumber}/$everything${query}`;
  while (next !== undefined) {
    assert.ok(++pages <= MOST_PAGES, 'the pages end');
    const { status, resource } = await viewer.ask(nhsNumber, next);
    assert.equal(status, 200);
    assert.deepEqual(warningsOf(resource), []);
    if (pages === 1) {
      // A source that has more pages does not say how much it holds where the agreement leaves a setting out.
      assert.ok([expected.length, undefined].includes(resource['total'] as number | undefined));
      assert.deepEqual(regionsAsked(resource), regionsOf(asked));
    }
    found.push(...matchesOf(resource).map(({ fullUrl }) => fullUrl));
    const url = (resource as Bundle).link?.find(({ relation }) => relation === 'next')?.url;
    if (pages === 1 && url === undefined) assert.equal(resource['total'], expected.length);
    next = url;
  }
  assert.deepEqual(found.sort(), expected.sort());
  assert.equal(new Set(found).size, found.length);
  return { pages, resources: found.length };
}

/**
 * The patient's home region is asked by everybody. Where else the patient was treated only home knows, and tells whoever
 * asks; the records that a viewer shows by itself are left out.
 */
function recordsAsked(home: RegionId, held: SpreadPerson['held'], own: readonly string[]): RecordId[] {
  const regions = REGION_IDS.filter(
    (one) => one === home || recordsOf(one).some((record) => held[record].length > 0),
  );
  return regions.flatMap(recordsOf).filter((record) => !own.includes(record));
}

function ownRecordsOf({ region, id: own }: DemoViewer): readonly string[] {
  return regionConfig({ region }).viewers.find(({ id }) => id === own)?.own_records ?? [];
}

function isFed(feed: { region: string; record?: string | undefined }, record: RecordId): boolean {
  return feed.region === RECORDS[record].region && (feed.record ?? record) === record;
}

function sharedTypes(record: RecordId): Set<string> {
  const { records } = regionConfig({ region: RECORDS[record].region });
  const offers = records.find(({ id }) => id === record)?.offers ?? [];
  return new Set(SEARCHABLE_TYPES.filter((type) => offers.includes(type)));
}

function regionsAsked(resource: Resource): string[] {
  return Object.entries(rollCallOf(resource))
    .filter(([, [outcome]]) => outcome !== 'not-asked')
    .map(([region]) => region)
    .sort();
}

function regionsOf(records: readonly RecordId[]): string[] {
  return [...new Set(records.map((record) => RECORDS[record].region))].sort();
}
