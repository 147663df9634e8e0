import { isObject, type Resource } from './resource.ts';

const LITERAL_REFERENCE = /^([A-Z][A-Za-z]{1,40})\/([A-Za-z0-9.-]{1,64})(\/_history\/[A-Za-z0-9.-]{1,64})?$/;

export interface LocalReference {
  readonly type: string;
  readonly id: string;
}

/**
 * Reads a reference that stays within one service base: `Type/id`, a versioned one, or an absolute URL under
 * one of `bases`. Anything else (another server, a fragment, a urn) is undefined: it is never followed.
 */
export function localReference(text: string, bases: readonly string[] = []): LocalReference | undefined {
  const base = bases.find((candidate) => text.startsWith(`${candidate}/`));
  const found = LITERAL_REFERENCE.exec(base === undefined ? text : text.slice(base.length + 1));
  return found?.[1] && found[2] ? { type: found[1], id: found[2] } : undefined;
}

/** Every `Type/id` within the same base that `resource` refers to, by reference or by attachment. */
export function referencesIn(resource: Resource, bases: readonly string[] = []): Set<string> {
  const found = new Set<string>();
  visit(resource, (key, value) => {
    if (key !== 'reference' && key !== 'url') return;
    const target = localReference(value, bases);
    if (target !== undefined) found.add(`${target.type}/${target.id}`);
  });
  return found;
}

/** A copy of `resource` in which every URL below `from` lies below `to`; the same object if none does. */
export function moveBase<T>(resource: T, from: string, to: string): T {
  return moved(resource, from, to) as T;
}

function moved(value: unknown, from: string, to: string): unknown {
  if (typeof value === 'string') return isBelow(value, from) ? to + value.slice(from.length) : value;
  if (Array.isArray(value)) {
    const items = value.map((item) => moved(item, from, to));
    return items.every((item, position) => item === value[position]) ? value : items;
  }
  if (!isObject(value)) return value;
  let copy: Record<string, unknown> | undefined;
  for (const [key, element] of Object.entries(value)) {
    const now = moved(element, from, to);
    if (now !== element) (copy ??= { ...value })[key] = now;
  }
  return copy ?? value;
}

/** Some servers write the links to their pages as a query of the base itself. */
function isBelow(url: string, base: string): boolean {
  return url.startsWith(base) && (url[base.length] === '/' || url[base.length] === '?');
}

function visit(value: unknown, see: (key: string, text: string) => void, key = ''): void {
  if (typeof value === 'string') see(key, value);
  else if (Array.isArray(value)) for (const item of value) visit(item, see, key);
  else if (isObject(value)) for (const [name, element] of Object.entries(value)) visit(element, see, name);
}
