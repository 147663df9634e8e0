import { referencesIn } from '../fhir/references.ts';
import { sortElement, type Search } from '../fhir/search-parameters.ts';
import { isObject, type BundleEntry, type Resource } from '../fhir/resource.ts';
import type { SourceAnswer } from './region-answer.ts';
import { sourceKey } from './region-answer.ts';

/** Where one source stopped: the cursor of the page at hand (none: its first) and how much of it was shown. */
export interface SourceState {
  readonly region: string;
  readonly record: string;
  readonly search: string;
  readonly cursor: string | undefined;
  readonly skip: number;
}

export interface SelectedPage {
  readonly entries: readonly { source: SourceAnswer; entry: BundleEntry; mode: 'match' | 'include' }[];
  /** Where to go on; empty when everything was shown. */
  readonly next: readonly SourceState[];
}

interface Lane {
  readonly source: SourceAnswer;
  readonly from: SourceState;
  readonly matches: readonly BundleEntry[];
  taken: number;
}

/**
 * Chooses one page out of what the sources gave.
 *
 * Unsorted, the sources follow one another. Sorted, they are merged, and the page stops where any source's own
 * page ends while it has more: what comes after that point is not yet known.
 *
 * @param count the most matches on the page; undefined: all that came
 */
export function selectPage(
  sources: readonly SourceAnswer[],
  states: readonly SourceState[],
  count: number | undefined,
  sort: { parameter: string; descending: boolean } | undefined,
): SelectedPage {
  const lanes = sources.map((source): Lane => {
    const from = states.find((state) => sourceKey(state) === sourceKey(source)) ?? firstState(source);
    return { source, from, matches: source.matches.slice(from.skip), taken: 0 };
  });
  const most = count ?? Infinity;
  const picked = sort === undefined ? takeInOrder(lanes, most) : takeSorted(lanes, most, sort);
  const entries = picked.map(({ lane, entry }) => ({ source: lane.source, entry, mode: 'match' as const }));
  const records = Map.groupBy(lanes, ({ source }) => `${source.region} ${source.record}`);
  const included = [...records.values()].flatMap(includedWith);
  return { entries: [...entries, ...included], next: lanes.map(goOn).filter((state) => state !== undefined) };
}

/**
 * Of what one record includes, what the matches on this page refer to, and its Patient, though its turn as a match
 * may come on another page. Each thing comes once, with one source, and another's matches may refer to it as well.
 */
function includedWith(lanes: readonly Lane[]): SelectedPage['entries'] {
  const shown = lanes.flatMap((lane) => lane.matches.slice(0, lane.taken));
  if (shown.length === 0) return [];
  const all = lanes.flatMap(({ source }) =>
    [...source.includes, ...source.matches.filter((entry) => isPatient(entry) && !shown.includes(entry))].map(
      (entry) => ({ source, entry, mode: 'include' as const }),
    ),
  );
  const others = all.filter(({ entry }) => !isPatient(entry));
  if (others.length === 0) return all;
  const bases = [...new Set(others.map(({ entry }) => baseOf(entry)))];
  const referred = new Set(
    shown.flatMap(({ resource }) => (resource === undefined ? [] : [...referencesIn(resource, bases)])),
  );
  return all.filter(
    ({ entry }) => isPatient(entry) || referred.has(`${entry.resource?.resourceType}/${entry.resource?.id}`),
  );
}

function isPatient({ resource }: BundleEntry): boolean {
  return resource?.resourceType === 'Patient';
}

function baseOf({ fullUrl = '', resource }: BundleEntry): string {
  return fullUrl.slice(0, -`/${resource?.resourceType}/${resource?.id}`.length);
}

function firstState(source: SourceAnswer): SourceState {
  return { region: source.region, record: source.record, search: source.search, cursor: undefined, skip: 0 };
}

function goOn(lane: Lane): SourceState | undefined {
  if (lane.taken < lane.matches.length) return { ...lane.from, skip: lane.from.skip + lane.taken };
  if (lane.source.cursor === undefined) return undefined;
  return { ...lane.from, cursor: lane.source.cursor, skip: 0 };
}

interface Picked {
  readonly lane: Lane;
  readonly entry: BundleEntry;
}

function takeInOrder(lanes: readonly Lane[], most: number): Picked[] {
  const picked: Picked[] = [];
  for (const lane of lanes) {
    for (const entry of lane.matches) {
      if (picked.length >= most) return picked;
      lane.taken += 1;
      picked.push({ lane, entry });
    }
  }
  return picked;
}

function takeSorted(
  lanes: readonly Lane[],
  most: number,
  { parameter, descending }: { parameter: string; descending: boolean },
): Picked[] {
  const picked: Picked[] = [];
  const keyed = lanes.map((lane) => ({
    lane,
    keys: lane.matches.map((entry) => sortKey(entry.resource, parameter)),
  }));
  while (picked.length < most) {
    const stopped = keyed.some(
      ({ lane }) => lane.taken === lane.matches.length && lane.source.cursor !== undefined,
    );
    if (stopped) break;
    const open = keyed.filter(({ lane }) => lane.taken < lane.matches.length);
    const [first, ...others] = open;
    if (first === undefined) break;
    const best = others.reduce((left, right) => (comes(right, left, descending) ? right : left), first);
    const entry = best.lane.matches[best.lane.taken];
    if (entry === undefined) break;
    best.lane.taken += 1;
    picked.push({ lane: best.lane, entry });
  }
  return picked;
}

type Keyed = { lane: Lane; keys: (number | undefined)[] };

/** True when `left`'s next entry comes before `right`'s; undated ones come last either way. */
function comes(left: Keyed, right: Keyed, descending: boolean): boolean {
  const a = left.keys[left.lane.taken];
  const b = right.keys[right.lane.taken];
  if (a === undefined || b === undefined) return a !== undefined;
  return descending ? a > b : a < b;
}

/** Milliseconds since the epoch of the element that `parameter` sorts by; a partial date is its beginning. */
function sortKey(resource: Resource | undefined, parameter: string): number | undefined {
  if (resource === undefined) return undefined;
  for (const path of sortElement(resource.resourceType, parameter) ?? []) {
    const value = path
      .split('.')
      .reduce<unknown>((at, name) => (isObject(at) ? at[name] : undefined), resource);
    const time = typeof value === 'string' ? Date.parse(value) : Number.NaN;
    if (!Number.isNaN(time)) return time;
  }
  return undefined;
}

/** The states to ask for on the next page: unsorted pages go on with the first region that has more. */
export function toAskNext(states: readonly SourceState[], searches: readonly Search[]): SourceState[] {
  const paged = searches.some((search) => search.parameters.some(([name]) => name === '_count'));
  const sorted = searches.some((search) => search.parameters.some(([name]) => name === '_sort'));
  if (!paged || sorted) return [...states];
  return states.filter((state) => state.region === states[0]?.region);
}
