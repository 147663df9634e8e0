/** FHIR R4 (4.0.1) shapes, as far as the broker looks into them. Everything else passes through untouched. */

export interface Coding {
  system?: string;
  code?: string;
  display?: string;
}

export interface Identifier {
  system?: string;
  value?: string;
}

export interface Meta {
  versionId?: string;
  lastUpdated?: string;
  profile?: string[];
  security?: Coding[];
  tag?: Coding[];
}

export interface Resource {
  resourceType: string;
  id?: string;
  meta?: Meta;
  [element: string]: unknown;
}

export interface BundleEntry {
  fullUrl?: string;
  resource?: Resource;
  search?: { mode?: 'match' | 'include' | 'outcome' };
}

export interface Bundle extends Resource {
  resourceType: 'Bundle';
  type: string;
  total?: number;
  link?: { relation: string; url: string }[];
  entry?: BundleEntry[];
}

/** An entry that surely holds a resource. */
export type FilledEntry = BundleEntry & { readonly resource: Resource };

/** `Type/id` within its own record. */
export function nameOf({ resourceType, id }: Resource): string {
  return `${resourceType}/${id}`;
}

/** The version of a resource as its server names it; versionId where it has one. */
export function versionOf({ meta }: Resource): string | undefined {
  const version: unknown = meta?.versionId ?? meta?.lastUpdated;
  return typeof version === 'string' ? version : undefined;
}

/** The media type of every FHIR body (FHIR R4, 2.21.0.6). */
export const FHIR_JSON = 'application/fhir+json';

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** True for an object with a `resourceType` whose parts that the broker itself reads have their FHIR form. */
export function isResource(value: unknown): value is Resource {
  if (!isObject(value) || typeof value['resourceType'] !== 'string') return false;
  const { id, meta } = value;
  if (id !== undefined && typeof id !== 'string') return false;
  return meta === undefined || (isObject(meta) && isCodings(meta['security']) && isCodings(meta['tag']));
}

function isCodings(list: unknown): boolean {
  return list === undefined || (Array.isArray(list) && list.every(isObject));
}

/**
 * How deep an answer between brokers may nest: FHIR resources nest by tens of levels at the very most, and what comes
 * after parsing goes through every level by recursion.
 */
export const MOST_LEVELS = 200;

/** True when `value` nests by more than `levels`; looks no deeper itself. */
export function isDeeperThan(levels: number, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeperThan(levels - 1, inner));
}

/** True when `value` is a Bundle whose entries, if it has any, are objects that hold resources. */
export function isBundle(value: unknown): value is Bundle {
  if (!isResource(value) || value.resourceType !== 'Bundle') return false;
  const entries = value['entry'];
  if (entries === undefined) return true;
  return Array.isArray(entries) && entries.every((entry) => isObject(entry) && isResource(entry['resource']));
}
