import type { Resource } from '../../fhir/resource.ts';
import { localReference } from '../../fhir/references.ts';
import { candidatesFor } from './candidates.ts';
import { testOf } from './match.ts';
import type { Query } from './query.ts';
import type { RecordStore } from './store.ts';
import { amountsIn, rangesIn, referenceIn, stringsIn, tokensIn } from './values.ts';

export interface Page {
  readonly matches: readonly Resource[];
  readonly included: readonly Resource[];
  /** All matches, over all pages. */
  readonly total: number;
}

/** Runs a search. The order is that of `_sort` and, within equals, that of loading: the same on every page. */
export function search(query: Query, store: RecordStore): Page {
  const tests = query.filters.map((filter) => testOf(filter, store));
  const found: Resource[] = [];
  for (const resource of candidatesFor(query.type, query.filters, store)) {
    if (tests.every((test) => test(resource))) found.push(resource);
  }
  const sorted = query.sort.length === 0 ? found : sortedBy(query.sort, found);
  const matches = sorted.slice(query.offset, query.offset + query.count);
  return { matches, included: includedWith(matches, query, store), total: found.length };
}

function includedWith(matches: readonly Resource[], query: Query, store: RecordStore): Resource[] {
  const included = new Set<Resource>();
  for (const resource of matches) {
    for (const { parameter, target } of query.includes) {
      for (const value of parameter.valuesIn(resource)) {
        const local = localReference(referenceIn(value) ?? '', [store.base]);
        const found = local === undefined ? undefined : store.get(local.type, local.id);
        if (found !== undefined && (target === undefined || target === found.resourceType))
          included.add(found);
      }
    }
  }
  for (const match of matches) included.delete(match);
  return [...included];
}

type Key = number | string | undefined;

function sortedBy(rules: Query['sort'], resources: readonly Resource[]): Resource[] {
  const keyed = resources.map((resource) => ({
    resource,
    keys: rules.map(({ parameter, descending }) => sortKey(parameter, resource, descending)),
  }));
  keyed.sort((one, other) => {
    for (const [position, { descending }] of rules.entries()) {
      const order = compare(one.keys[position], other.keys[position], descending);
      if (order !== 0) return order;
    }
    return 0;
  });
  return keyed.map(({ resource }) => resource);
}

/** Where an element repeats, the value that comes first in the direction of the sort counts (FHIR R4, 3.1.1.5). */
function sortKey(
  parameter: Query['sort'][number]['parameter'],
  resource: Resource,
  descending: boolean,
): Key {
  const keys = parameter.valuesIn(resource).flatMap((value): (number | string)[] => {
    switch (parameter.type) {
      case 'date':
        return rangesIn(value).map((range) => (range.start === -Infinity ? range.end : range.start));
      case 'quantity':
      case 'number':
        return amountsIn(value).map((amount) => amount.value);
      case 'token':
        return tokensIn(value).map((token) => token.code ?? '');
      default:
        return stringsIn(value).map((text) => text.toLowerCase());
    }
  });
  return keys.sort((one, other) => compare(one, other, descending))[0];
}

/** What has no value comes last in either direction. */
function compare(one: Key, other: Key, descending: boolean): number {
  if (one === undefined || other === undefined)
    return Number(one === undefined) - Number(other === undefined);
  return (one < other ? -1 : one > other ? 1 : 0) * (descending ? -1 : 1);
}
