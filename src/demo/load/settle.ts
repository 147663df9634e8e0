import { SUBJECT_ELEMENTS } from '../../fhir/compartment.ts';
import { isObject, type Resource } from '../../fhir/resource.ts';
import { isSupporting, type Held, type Pool } from './pool.ts';

/** A resource whose references are all `Type/id` where any file holds what they mean. */
export interface Settled extends Held {
  readonly refersTo: ReadonlySet<string>;
  /** References to what no file holds; left as they were. */
  readonly unresolved: number;
  /** The key of the Patient it is about; undefined for what is about none. */
  readonly patient: string | undefined;
}

/** Settles every resource of the pool. A patient's resource whose Patient is missing makes its file unusable. */
export function settle(pool: Pool): Map<string, Settled> {
  const settled = new Map<string, Settled>();
  for (const held of pool.held.values()) {
    const refersTo = new Set<string>();
    let unresolved = 0;
    const resource = rewritten(held.resource, (text) => {
      const target = pool.resolve(held.file, text);
      if (target !== undefined) refersTo.add(target.key);
      else if (!text.startsWith('#')) unresolved++;
      return target?.key ?? text;
    }) as Settled['resource'];
    const patient = isSupporting(resource) ? undefined : patientOf(resource);
    if (!isSupporting(resource) && !pool.held.has(patient ?? '')) {
      pool.problem(held.file, `holds ${held.key}, whose Patient is in none of the files`);
    }
    settled.set(held.key, { ...held, resource, refersTo, unresolved, patient });
  }
  return settled;
}

function patientOf(resource: Resource & { id: string }): string | undefined {
  if (resource.resourceType === 'Patient') return `Patient/${resource.id}`;
  const found = (SUBJECT_ELEMENTS[resource.resourceType] ?? [])
    .flatMap((path) => valuesAt(resource, path.split('.')))
    .map((value) => (isObject(value) ? value['reference'] : undefined));
  return found.find((text) => typeof text === 'string' && text.startsWith('Patient/')) as string | undefined;
}

function valuesAt(value: unknown, path: readonly string[]): unknown[] {
  if (Array.isArray(value)) return value.flatMap((item) => valuesAt(item, path));
  const [name, ...rest] = path;
  if (name === undefined) return [value];
  return isObject(value) ? valuesAt(value[name], rest) : [];
}

/** A copy with every `reference`, and every attachment `url` that is one of ours, passed through `resolve`. */
function rewritten(value: unknown, resolve: (reference: string) => string, name = ''): unknown {
  if (typeof value === 'string') {
    if (name === 'reference') return resolve(value);
    return name === 'url' && /^(urn:uuid:|Binary\/)/.test(value) ? resolve(value) : value;
  }
  if (Array.isArray(value)) return value.map((item) => rewritten(item, resolve, name));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, rewritten(part, resolve, key)]));
}

/**
 * Divides one patient's resources into groups that must stay together: what refers to one another, above all an
 * encounter and everything that hangs on it. Separated, their references would lead nowhere.
 */
export function groupsOf(resources: readonly Settled[]): Settled[][] {
  const leaders = new Map(resources.map(({ key }) => [key, key]));
  const leaderOf = (key: string): string => {
    let at = key;
    for (let next = leaders.get(at) ?? at; next !== at; next = leaders.get(at) ?? at) {
      leaders.set(at, leaders.get(next) ?? next);
      at = next;
    }
    return at;
  };
  for (const { key, refersTo } of resources) {
    for (const target of refersTo) if (leaders.has(target)) leaders.set(leaderOf(target), leaderOf(key));
  }
  return [...Map.groupBy(resources, ({ key }) => leaderOf(key)).values()];
}
