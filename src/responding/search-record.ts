import type { Deadline } from '../deadline.ts';
import { DeliveryError, RequestError } from '../errors.ts';
import { patientParameter } from '../fhir/compartment.ts';
import { nhsNumberToken } from '../fhir/nhs-number.ts';
import { isBundle, isObject, type BundleEntry, type Resource } from '../fhir/resource.ts';
import type { RecordLink } from '../upstream/record-link.ts';
import type { Permission } from './decide-sharing.ts';
import type { ParsedSearch, Reading } from './reading.ts';

/** How long a cursor may wait for its next page. */
const CURSOR_LIFE_MS = 10 * 60_000;

/** One page of one search, as the record gave it: not yet checked, not yet released. */
export interface RecordPage {
  readonly search: ParsedSearch;
  readonly entries: readonly BundleEntry[];
  readonly total: number | undefined;
  readonly cursor: string | undefined;
  /** A next page exists and cannot be handed over. */
  readonly cutOff: boolean;
  readonly asOf: string | undefined;
}

/**
 * Runs one search for one patient at one record, by the record's own search strategy, or goes on from a cursor.
 *
 * @throws DeliveryError; RequestError `page-unreadable` for a cursor that is not this sender's for this search
 */
export async function searchRecord(
  search: ParsedSearch,
  permission: Permission,
  finding: Promise<readonly Resource[]>,
  link: RecordLink,
  reading: Reading,
  deadline: Deadline,
): Promise<RecordPage> {
  const binding = cursorBinding(search, permission, link);
  const paths =
    search.cursor === undefined
      ? await firstPaths(search, permission, finding, link)
      : [openCursor(search.cursor, binding, reading)];
  const bundles = await Promise.all(paths.map((path) => getBundle(link, path, deadline)));
  const nexts = bundles.map(nextLink).filter((next) => next !== undefined);
  // Only one chain of pages can be handed on; a patient with two Patient resources and many pages is cut off.
  const next = nexts.length === 1 ? within(nexts[0], link.record.base) : undefined;
  const only = bundles.length === 1 ? bundles[0] : undefined;
  return {
    search,
    entries: entriesOf(bundles),
    total: typeof only?.['total'] === 'number' ? only['total'] : undefined,
    cursor:
      next === undefined ? undefined : reading.cursors.seal(next, binding, reading.now() + CURSOR_LIFE_MS),
    cutOff: nexts.length > 0 && next === undefined,
    asOf: typeof only?.meta?.lastUpdated === 'string' ? only.meta.lastUpdated : undefined,
  };
}

/** A cursor is good for the same sender, patient, search and record only. */
function cursorBinding(search: ParsedSearch, { query }: Permission, link: RecordLink): string[] {
  return ['cursor', query.claims.iss, query.claims.patient, search.id, search.search.type, link.record.id];
}

function openCursor(cursor: string, binding: readonly string[], reading: Reading): string {
  const path = reading.cursors.open(cursor, binding, reading.now());
  if (typeof path !== 'string') throw new RequestError('page-unreadable');
  return path;
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

async function getBundle(link: RecordLink, path: string, deadline: Deadline): Promise<Resource> {
  const bundle = await link.get(path, deadline);
  if (!isBundle(bundle)) throw new DeliveryError('bad-content', link.record.id);
  return bundle;
}

/**
 * Entries that hold resources of the answer, each once; a record's own remarks (OperationOutcome) are not
 * records. A patient with two numbers may come back under both.
 */
function entriesOf(bundles: readonly Resource[]): BundleEntry[] {
  const once = new Map<string, BundleEntry>();
  for (const bundle of bundles) {
    for (const entry of (bundle['entry'] as BundleEntry[] | undefined) ?? []) {
      const { resource, search } = entry;
      if (
        resource === undefined ||
        search?.mode === 'outcome' ||
        resource.resourceType === 'OperationOutcome'
      )
        continue;
      const key = `${resource.resourceType}/${resource.id}`;
      if (!once.has(key)) once.set(key, entry);
    }
  }
  return [...once.values()];
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
