import { isDeepStrictEqual } from 'node:util';
import { SUBJECT_ELEMENTS } from '../../fhir/compartment.ts';
import { localReference } from '../../fhir/references.ts';
import { isObject, isResource, type Resource } from '../../fhir/resource.ts';
import type { BundleFile } from './read-bundles.ts';

/** A resource with its id settled; `key` is `Type/id`. */
export interface Held {
  readonly key: string;
  readonly file: string;
  readonly resource: Resource & { id: string };
}

const TAKEN_BUNDLES = ['transaction', 'batch', 'collection', 'searchset', 'document'];

/** The resources of all files, each once, and what their references mean. */
export class Pool {
  readonly held = new Map<string, Held>();
  /** File -> why it cannot be used. */
  readonly problems = new Map<string, string>();
  readonly #aliases = new Map<string, string>();
  #unnamed = 0;

  addFile(given: BundleFile): void {
    if ('problem' in given) return this.problem(given.file, given.problem);
    const entries = entriesOf(given.bundle);
    if (typeof entries === 'string') return this.problem(given.file, entries);
    for (const { fullUrl, resource } of entries) this.#add(given.file, resource, fullUrl);
  }

  /** Keeps the first thing that is wrong with a file. */
  problem(file: string, problem: string): void {
    if (!this.problems.has(file)) this.problems.set(file, problem);
  }

  /** What a reference made in `file` means; undefined when no file holds it. */
  resolve(file: string, reference: string): Held | undefined {
    const key = this.#aliases.get(`${file} ${reference}`) ?? this.#aliases.get(reference);
    if (key !== undefined) return this.held.get(key);
    const local = localReference(reference);
    return local && this.held.get(`${local.type}/${local.id}`);
  }

  #add(file: string, resource: Resource, fullUrl: string | undefined): void {
    const fromUrl = /^urn:uuid:([A-Za-z0-9.-]{1,64})$/.exec(fullUrl ?? '')?.[1];
    const id = resource.id ?? fromUrl ?? `unnamed-${String(++this.#unnamed)}`;
    const key = `${resource.resourceType}/${id}`;
    if (localReference(key) === undefined)
      return this.problem(file, 'holds a type or an id that FHIR forbids');
    const settled = { ...resource, id };
    const known = this.held.get(key);
    if (known === undefined) this.held.set(key, { key, file, resource: settled });
    else if (!isSupporting(resource) && !isDeepStrictEqual(known.resource, settled)) {
      return this.problem(file, `holds ${key}, which ${known.file} holds with other content`);
    }
    if (fullUrl !== undefined) {
      this.#aliases.set(`${file} ${fullUrl}`, key);
      this.#name(fullUrl, key);
    }
    // Conditional references, as newer Synthea bundles have: `Practitioner?identifier=system|value`.
    for (const { system, value } of identifiersOf(resource)) {
      this.#name(`${resource.resourceType}?identifier=${system}|${value}`, key);
    }
  }

  #name(alias: string, key: string): void {
    if (!this.#aliases.has(alias)) this.#aliases.set(alias, key);
  }
}

/** True for what is about no patient (Practitioner, Organization, Location, Medication, Binary...). */
export function isSupporting(resource: { resourceType: string }): boolean {
  return resource.resourceType !== 'Patient' && !Object.hasOwn(SUBJECT_ELEMENTS, resource.resourceType);
}

/** The entries of a Bundle, or the one of a single resource; a text says why neither. */
function entriesOf(bundle: unknown): { fullUrl?: string; resource: Resource }[] | string {
  if (!isResource(bundle)) return 'holds no FHIR resource';
  if (bundle.resourceType !== 'Bundle') return [{ resource: bundle }];
  if (!TAKEN_BUNDLES.includes(String(bundle['type']))) {
    return `is a Bundle of a type that is not taken (taken are ${TAKEN_BUNDLES.join(', ')})`;
  }
  const entries: unknown = bundle['entry'] ?? [];
  if (!Array.isArray(entries)) return 'is a Bundle whose entries are not a list';
  const read: { fullUrl?: string; resource: Resource }[] = [];
  for (const [index, entry] of entries.entries()) {
    const resource: unknown = isObject(entry) ? entry['resource'] : undefined;
    if (!isResource(resource)) return `has no FHIR resource in entry ${String(index + 1)}`;
    if (resource.resourceType === 'OperationOutcome') continue;
    const fullUrl: unknown = isObject(entry) ? entry['fullUrl'] : undefined;
    read.push({ resource, ...(typeof fullUrl === 'string' && { fullUrl }) });
  }
  return read;
}

function identifiersOf(resource: Resource): { system: string; value: string }[] {
  const identifiers: unknown = resource['identifier'];
  return (Array.isArray(identifiers) ? identifiers : [identifiers]).flatMap((identifier: unknown) => {
    const { system, value } = isObject(identifier) ? identifier : {};
    return typeof system === 'string' && typeof value === 'string' ? [{ system, value }] : [];
  });
}
