import type { Deadline } from '../deadline.ts';
import { RequestError } from '../errors.ts';
import { LONGEST_CURSOR } from '../evidence/claims.ts';
import { patientParameter } from '../fhir/compartment.ts';
import { nhsNumberToken } from '../fhir/nhs-number.ts';
import { isObject, nameOf, type Bundle, type Resource } from '../fhir/resource.ts';
import { searchText } from '../fhir/search-parameters.ts';
import type { RecordLink } from '../upstream/record-link.ts';
import type { Permission } from './decide-sharing.ts';
import type { ParsedSearch, Reading, RecordSearch } from './reading.ts';
import { asSearchset, entriesIn, saysIncomplete, type RecordEntry } from './record-bundle.ts';

/** How long a cursor may wait for its next page. */
const CURSOR_LIFE_MS = 10 * 60_000;

/** FHIR R4 `instant`. */
const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/;

/** One page of one search, as the record gave it: not yet checked, not yet released. */
export interface RecordPage {
  readonly search: ParsedSearch;
  readonly entries: readonly RecordEntry[];
  readonly cursor: string | undefined;
  /** Why there is more than can be given: pages that cannot be handed on, or the record's own word. */
  readonly missing: 'paging' | 'record-incomplete' | undefined;
  /** Why the record gave no answer to this search; then it has no entries. */
  readonly failed: string | undefined;
  readonly asOf: string | undefined;
}

/** A search that the record did not answer, among others that it did. */
export function failedPage(search: ParsedSearch, failed: string): RecordPage {
  return { search, entries: [], cursor: undefined, missing: undefined, failed, asOf: undefined };
}

/**
 * Runs one search for one patient at one record, by the record's own search strategy, or goes on from a page.
 *
 * @throws DeliveryError
 */
export async function searchRecord(
  search: RecordSearch,
  permission: Permission,
  finding: Promise<readonly Resource[]>,
  link: RecordLink,
  reading: Reading,
  deadline: Deadline,
): Promise<RecordPage> {
  const paths =
    search.page === undefined ? await firstPaths(search, permission, finding, link) : [search.page];
  const answers = await Promise.all(paths.map((path) => link.get(path, deadline)));
  const bundles = answers.map((answer) => asSearchset(answer, link.record.id));
  const nexts = bundles.map(nextLink).filter((next) => next !== undefined);
  // Only one chain of pages can be handed on; a patient with two Patient resources and many pages is cut off.
  const next = nexts.length === 1 ? within(nexts[0], link.record.base) : undefined;
  const only = bundles.length === 1 ? bundles[0] : undefined;
  const cursor = next === undefined ? undefined : sealCursor(next, search, permission, link, reading);
  const cutOff = nexts.length > 0 && cursor === undefined;
  const short = bundles.some(
    (bundle) => saysIncomplete(bundle) || (nexts.length === 0 && isShort(bundle, search)),
  );
  return {
    search,
    entries: once(bundles.flatMap((bundle) => entriesIn(bundle, link.record.base))),
    cursor,
    missing: cutOff ? 'paging' : short ? 'record-incomplete' : undefined,
    failed: undefined,
    asOf: instantOf(only),
  };
}

/** A record that counts more than it gives, with no page to come, has kept something back. */
function isShort(bundle: Bundle, search: RecordSearch): boolean {
  const { total, entry = [] } = bundle;
  return search.page === undefined && typeof total === 'number' && total > entry.length;
}

// What a record says of a page goes into our signed response only in the form that a response may have: else
// one record's slip would make the whole region's answer unbelievable.

function instantOf(bundle: Resource | undefined): string | undefined {
  const instant: unknown = bundle?.meta?.lastUpdated;
  return typeof instant === 'string' && INSTANT.test(instant) ? instant : undefined;
}

function sealCursor(
  page: string,
  search: ParsedSearch,
  permission: Permission,
  link: RecordLink,
  reading: Reading,
): string | undefined {
  const until = reading.now() + CURSOR_LIFE_MS;
  const cursor = reading.cursors.seal(page, cursorBinding(search, permission, link), until);
  return cursor.length <= LONGEST_CURSOR ? cursor : undefined;
}

/** A cursor is good for the same sender, patient, search and record only. */
function cursorBinding({ id, search }: ParsedSearch, { query }: Permission, link: RecordLink): string[] {
  return ['cursor', query.claims.iss, query.claims.patient, id, searchText(search), link.record.id];
}

/**
 * The page that a search's cursor stands for; undefined for a search without one.
 *
 * @throws RequestError `page-unreadable` for a cursor that is not this sender's for this search, or has expired
 */
export function openCursor(
  search: ParsedSearch,
  permission: Permission,
  link: RecordLink,
  reading: Reading,
): string | undefined {
  if (search.cursor === undefined) return undefined;
  const page = reading.cursors.open(search.cursor, cursorBinding(search, permission, link), reading.now());
  if (typeof page !== 'string') throw new RequestError('page-unreadable');
  return page;
}

async function firstPaths(
  { search }: ParsedSearch,
  { query }: Permission,
  finding: Promise<readonly Resource[]>,
  link: RecordLink,
): Promise<string[]> {
  const asked = Number(search.parameters.find(([name]) => name === '_count')?.[1] ?? link.record.page_size);
  const count = Math.min(asked, link.record.page_size);
  const own = search.parameters.filter(([name]) => name !== '_count');
  const path = (name: string, value: string): string => {
    const parameters = [[name, value], ...own, ['_count', String(count)]] as [string, string][];
    return `${search.type}?${new URLSearchParams(parameters).toString()}`;
  };
  if (search.type === 'Patient') {
    return [...query.nhsNumbers].map((number) => path('identifier', nhsNumberToken(number)));
  }
  const parameter = patientParameter(search.type);
  if (link.record.search === 'chained') {
    return [...query.nhsNumbers].map((number) => path(`${parameter}.identifier`, nhsNumberToken(number)));
  }
  const ids = (await finding).map((patient) => patient.id).filter((id) => id !== undefined);
  return [...new Set(ids)].map((id) => path(parameter, `Patient/${id}`));
}

/** Each resource once: a patient with two numbers may come back under both. */
function once(entries: readonly RecordEntry[]): RecordEntry[] {
  return [...new Map(entries.map((entry) => [nameOf(entry.resource), entry])).values()];
}

function nextLink(bundle: Resource): string | undefined {
  const links = Array.isArray(bundle['link']) ? (bundle['link'] as unknown[]) : [];
  const next = links.find((link) => isObject(link) && link['relation'] === 'next');
  return isObject(next) && typeof next['url'] === 'string' ? next['url'] : undefined;
}

/** A next link is followed only within the record's own base: a record cannot send us elsewhere. */
function within(url: string | undefined, base: string): string | undefined {
  const root = new URL(base);
  const target = url === undefined ? null : URL.parse(url, `${base}/`);
  if (target === null || target.origin !== root.origin) return undefined;
  const below =
    target.pathname === root.pathname || target.pathname.startsWith(`${root.pathname.replace(/\/$/, '')}/`);
  return below ? target.href : undefined;
}
