import { localReference, referencesIn } from '../../fhir/references.ts';
import { isObject, type Resource } from '../../fhir/resource.ts';

/** One record's resources in memory, with an index by what they refer to and one by identifier. */
export class RecordStore {
  /** The record's own service base; an absolute reference below it is a local one. */
  readonly base: string;
  readonly #byType = new Map<string, Map<string, Resource>>();
  readonly #referring = new Map<string, Resource[]>();
  readonly #identified = new Map<string, Resource[]>();

  /** @throws Error when a resource has no id, or two have the same type and id */
  constructor(base: string, resources: Iterable<Resource>) {
    this.base = base;
    for (const resource of resources) this.#add(resource);
  }

  get(type: string, id: string): Resource | undefined {
    return this.#byType.get(type)?.get(id);
  }

  /** All resources of a type, in the order they were loaded. */
  all(type: string): Iterable<Resource> {
    return this.#byType.get(type)?.values() ?? [];
  }

  /** The resources of `type` that refer to `target` (`Patient/1001`) by any element. */
  referring(type: string, target: string): readonly Resource[] {
    return this.#referring.get(`${type} ${target}`) ?? [];
  }

  /** The resources of `type` with an identifier of this value, whatever its system. */
  identified(type: string, value: string): readonly Resource[] {
    return this.#identified.get(`${type} ${value}`) ?? [];
  }

  /** `Type/id` when the reference stays within this record, otherwise the text as it is. */
  normalised(reference: string): string {
    const local = localReference(reference, [this.base]);
    return local === undefined ? reference : `${local.type}/${local.id}`;
  }

  #add(resource: Resource): void {
    const { resourceType: type, id } = resource;
    if (id === undefined) throw new Error(`A ${type} has no id.`);
    const ofType = this.#byType.get(type) ?? new Map<string, Resource>();
    if (ofType.has(id)) throw new Error(`Two resources are ${type}/${id}.`);
    this.#byType.set(type, ofType.set(id, resource));
    for (const target of referencesIn(resource, [this.base]))
      push(this.#referring, `${type} ${target}`, resource);
    const identifiers = resource['identifier'];
    for (const identifier of Array.isArray(identifiers) ? identifiers : [identifiers]) {
      const value = isObject(identifier) ? identifier['value'] : undefined;
      if (typeof value === 'string') push(this.#identified, `${type} ${value}`, resource);
    }
  }
}

function push(index: Map<string, Resource[]>, key: string, resource: Resource): void {
  const list = index.get(key);
  if (list === undefined) index.set(key, [resource]);
  else if (list.at(-1) !== resource) list.push(resource);
}
