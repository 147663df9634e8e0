import type { Deadline } from '../deadline.ts';
import { SUPPORTING_TYPES } from '../fhir/compartment.ts';
import { referencesIn } from '../fhir/references.ts';
import { nameOf } from '../fhir/resource.ts';
import { errorFields } from '../log.ts';
import type { RecordLink } from '../upstream/record-link.ts';
import type { Permission } from './decide-sharing.ts';
import type { Reading } from './reading.ts';
import { asSearchset, entriesIn, type RecordEntry } from './record-bundle.ts';
import type { RecordPage } from './search-record.ts';

/** How many ids one search asks for, so that its address stays below what every server takes. */
const IDS_AT_ONCE = 40;
const MOST_REFERENCED = 400;
/** What is only referred to may not cost the patient's own resources their time. */
const LONGEST_MS = 1_500;

/**
 * Adds to each page what its resources refer to directly and is about no patient, where the query asks for it
 * (FHIR R4, `$everything`); documents apart, which are opened one by one. What cannot be had in time is left out:
 * the reference is there, and leads to it.
 *
 * @returns pages that are not yet released: the subject check, labels and care settings come after
 */
export async function withReferenced(
  pages: readonly RecordPage[],
  { query }: Permission,
  link: RecordLink,
  reading: Pick<Reading, 'log'>,
  deadline: Deadline,
): Promise<readonly RecordPage[]> {
  if (query.claims.referenced !== true) return pages;
  const wanted = pages.map((page) => referredFrom(page, link));
  const names = [...new Set(wanted.flatMap((of) => [...of]))].slice(0, MOST_REFERENCED);
  if (names.length === 0) return pages;
  const found = await fetchAll(names, link, reading, deadline);
  return pages.map((page, position) => ({
    ...page,
    entries: [
      ...page.entries,
      ...[...(wanted[position] ?? [])].map((name) => found.get(name)).filter((entry) => entry !== undefined),
    ],
  }));
}

/** `Type/id` of what the page refers to and does not hold. */
function referredFrom({ entries }: RecordPage, link: RecordLink): Set<string> {
  const names = entries.flatMap(({ resource }) => [...referencesIn(resource, [link.record.base])]);
  const held = new Set(entries.map(({ resource }) => nameOf(resource)));
  return new Set(names.filter((name) => isSupporting(typeOf(name)) && !held.has(name)));
}

function isSupporting(type: string): boolean {
  return SUPPORTING_TYPES.has(type) && type !== 'Binary';
}

/** By `Type/id`; a record that ignores `_id` gives more than was asked for. */
async function fetchAll(
  names: readonly string[],
  link: RecordLink,
  reading: Pick<Reading, 'log'>,
  deadline: Deadline,
): Promise<Map<string, RecordEntry>> {
  using part = deadline.within(Math.min(LONGEST_MS, deadline.remainingMs() / 2));
  const searches = [...Map.groupBy(names, typeOf)].flatMap(([type, of]) =>
    chunks(of).map((chunk) => ({ type, ids: chunk.map((name) => name.slice(type.length + 1)) })),
  );
  const answers = await Promise.all(
    searches.map(async ({ type, ids }): Promise<RecordEntry[]> => {
      const query = new URLSearchParams({ _id: ids.join(','), _count: String(ids.length) });
      try {
        const bundle = await link.get(`${type}?${query.toString()}`, part);
        return entriesIn(asSearchset(bundle, link.record.id), link.record.base);
      } catch (error) {
        reading.log.warn({ record: link.record.id, type, ...errorFields(error) }, 'referenced not read');
        return [];
      }
    }),
  );
  return new Map(
    answers.flat().map(({ resource }) => [nameOf(resource), { resource, search: { mode: 'include' } }]),
  );
}

function chunks(names: readonly string[]): string[][] {
  return Array.from({ length: Math.ceil(names.length / IDS_AT_ONCE) }, (_item, at) =>
    names.slice(at * IDS_AT_ONCE, (at + 1) * IDS_AT_ONCE),
  );
}

function typeOf(name: string): string {
  return name.slice(0, name.indexOf('/'));
}
