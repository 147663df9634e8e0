import type { Resource } from '../../fhir/resource.ts';
import { wantedReferences } from './match.ts';
import { splitEscaped, unescaped, type Filter } from './query.ts';
import type { RecordStore } from './store.ts';

/**
 * The fewest resources of `type` that an index can narrow the search to: always all that match and perhaps
 * more, in the order they were loaded. Each is still to be tested.
 */
export function candidatesFor(
  type: string,
  filters: readonly Filter[],
  store: RecordStore,
): Iterable<Resource> {
  const narrowed = filters.map((filter) => narrow(type, filter, store)).filter((list) => list !== undefined);
  return narrowed.sort((one, other) => one.length - other.length)[0] ?? store.all(type);
}

function narrow(type: string, filter: Filter, store: RecordStore): readonly Resource[] | undefined {
  const { parameter, modifier, values } = filter;
  if (filter.chain !== undefined) return narrowByChain(type, filter.chain, store);
  if (modifier === 'missing' || modifier === 'not' || modifier === 'identifier') return undefined;
  if (parameter.name === '_id') {
    return unique(values.map((value) => store.get(type, unescaped(value))));
  }
  if (parameter.name === 'identifier') {
    const held = values.map((value) => splitEscaped(value, '|').at(-1) ?? '').map(unescaped);
    return held.includes('') ? undefined : unique(held.flatMap((value) => store.identified(type, value)));
  }
  if (parameter.type !== 'reference') return undefined;
  const wanted = values.flatMap((value) => wantedReferences(filter, value, store));
  return wanted.every((target) => store.normalised(target) === target && target.split('/').length === 2)
    ? unique(wanted.flatMap((target) => store.referring(type, target)))
    : undefined;
}

function narrowByChain(
  type: string,
  chain: ReadonlyMap<string, Filter>,
  store: RecordStore,
): readonly Resource[] | undefined {
  const lists: Resource[] = [];
  for (const [targetType, condition] of chain) {
    const targets = narrow(targetType, condition, store);
    if (targets === undefined) return undefined;
    lists.push(...targets.flatMap((target) => store.referring(type, `${targetType}/${target.id ?? ''}`)));
  }
  return unique(lists);
}

function unique(resources: readonly (Resource | undefined)[]): Resource[] {
  return [...new Set(resources)].filter((resource) => resource !== undefined);
}
