import { isDeepStrictEqual } from 'node:util';

import { isObject, type Coding } from '../../src/fhir/resource.ts';
import type { Profile, Slice } from './balp-profiles.ts';

type Json = Record<string, unknown>;

/** What of the profile an event does not meet, by the elements' names; empty when it conforms. */
export function faultsOf(event: Json, profile: Profile): string[] {
  const faults = [
    ...requiredIn(event, profile.required, ''),
    ...(profile.absent ?? []).filter((name) => at(event, name) !== undefined),
    ...(isCoding(event['type'], [profile.type]) ? [] : ['type']),
    ...(listOf(event, 'agent').length < profile.agents ? ['agent'] : []),
    ...(listOf(event, 'entity').length < profile.entities ? ['entity'] : []),
  ];
  for (const slice of profile.slices) {
    const name = `${slice.list}[${slice.name}]`;
    const items = itemsOf(event, slice);
    if (items.length < slice.min || items.length > 1) faults.push(name);
    for (const item of items) {
      faults.push(...requiredIn(item, slice.required, `${name}.`));
      for (const no of slice.absent ?? []) if (at(item, no) !== undefined) faults.push(`${name}.${no}`);
      if (slice.name === profile.recordedBy && !isDeepStrictEqual(item['who'], at(event, 'source.observer')))
        faults.push(`${name}.who`);
    }
  }
  return faults;
}

/** An element that the profile asks for and the event has: what it is called, and the event without it. */
export interface Removal {
  readonly element: string;
  readonly without: Json;
}

/** Each required element removed in turn, each fixed value changed, and each slice without what makes it one. */
export function removals(event: Json, profile: Profile): Removal[] {
  const without = (element: string, change: (copy: Json) => void): Removal => {
    const copy = structuredClone(event);
    change(copy);
    return { element, without: copy };
  };
  const own = [...Object.keys(profile.required), 'type', 'agent', 'entity'].map((path) =>
    without(path, (copy) => remove(copy, path)),
  );
  const changed = Object.entries(profile.required).flatMap(([path, value]) =>
    value === undefined ? [] : [without(path, (copy) => set(copy, path, 'other'))],
  );
  const inSlices = profile.slices.flatMap((slice) => {
    if (itemsOf(event, slice).length === 0) return [];
    const name = `${slice.list}[${slice.name}]`;
    const inside = Object.entries(slice.required).flatMap(([path, value]) => [
      without(`${name}.${path}`, (copy) => itemsOf(copy, slice).forEach((item) => remove(item, path))),
      ...(value === undefined
        ? []
        : [without(`${name}.${path}`, (copy) => itemsOf(copy, slice).forEach((item) => set(item, path, 0)))]),
    ]);
    const forbidden = (slice.absent ?? []).map((path) =>
      without(`${name}.${path}`, (copy) => itemsOf(copy, slice).forEach((item) => set(item, path, {}))),
    );
    const twice = without(
      name,
      (copy) => (copy[slice.list] = [...listOf(copy, slice.list), ...itemsOf(copy, slice)]),
    );
    if (slice.min === 0) return [...inside, ...forbidden, twice];
    const gone = without(name, (copy) => {
      const items = itemsOf(copy, slice);
      copy[slice.list] = listOf(copy, slice.list).filter((item) => !items.includes(item));
    });
    const untyped = without(name, (copy) =>
      itemsOf(copy, slice).forEach((item) => remove(item, slice.list === 'subtype' ? 'code' : 'type')),
    );
    return [...inside, ...forbidden, twice, gone, untyped];
  });
  const fewer = [
    without('agent', (copy) => (copy['agent'] = listOf(copy, 'agent').slice(0, profile.agents - 1))),
    without('entity', (copy) => (copy['entity'] = listOf(copy, 'entity').slice(0, profile.entities - 1))),
  ];
  const elsewhere =
    profile.recordedBy === undefined
      ? []
      : [
          without(`agent[${profile.recordedBy}].who`, (copy) =>
            set(copy, 'source.observer', { display: 'other' }),
          ),
        ];
  return [...own, ...changed, ...inSlices, ...fewer, ...elsewhere];
}

function requiredIn(element: Json, required: Profile['required'], prefix: string): string[] {
  return Object.entries(required)
    .filter(([path, value]) => {
      const found = at(element, path);
      return found === undefined || (value !== undefined && found !== value);
    })
    .map(([path]) => `${prefix}${path}`);
}

function itemsOf(event: Json, { list, types }: Slice): Json[] {
  return listOf(event, list).filter((item) => {
    if (list === 'subtype') return isCoding(item, types);
    const type = item['type'];
    if (list === 'entity') return isCoding(type, types);
    return isObject(type) && listOf(type, 'coding').some((one) => isCoding(one, types));
  });
}

function listOf(element: Json, name: string): Json[] {
  const list = element[name];
  return Array.isArray(list) ? list.filter(isObject) : [];
}

function isCoding(value: unknown, codings: readonly Coding[]): boolean {
  return (
    isObject(value) &&
    codings.some(({ system, code }) => value['system'] === system && value['code'] === code)
  );
}

function at(element: Json, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((value, name) => (isObject(value) ? value[name] : undefined), element);
}

function remove(element: Json, path: string): void {
  const names = path.split('.');
  const last = names.pop() ?? '';
  const holder = names.length === 0 ? element : at(element, names.join('.'));
  if (isObject(holder)) Reflect.deleteProperty(holder, last);
}

function set(element: Json, path: string, value: unknown): void {
  const names = path.split('.');
  const last = names.pop() ?? '';
  const holder = names.length === 0 ? element : at(element, names.join('.'));
  if (isObject(holder)) holder[last] = value;
}
