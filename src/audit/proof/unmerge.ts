import { SYSTEM } from '../../fhir/codes.ts';
import { recordBase } from '../../fhir/record-base.ts';
import { moveBase } from '../../fhir/references.ts';
import { isObject, type Coding, type Meta, type Resource } from '../../fhir/resource.ts';

/** Where a resource of a merged answer says that it is from. */
export interface Origin {
  readonly region: string;
  readonly record: string;
}

/** More bases than one resource has any use for are not tried. */
const MOST_BASES = 8;

/**
 * The region and record of the tags that a merge puts last, and the tags before those; undefined for a resource that
 * no merge has touched.
 */
function originIn({ meta }: Resource): (Origin & { readonly before: readonly Coding[] }) | undefined {
  const tags = meta?.tag ?? [];
  const end = tags.at(-1)?.system === SYSTEM.careSetting ? tags.length - 1 : tags.length;
  const [region, record] = tags.slice(Math.max(end - 2, 0), end);
  if (region?.system !== SYSTEM.region || record?.system !== SYSTEM.record) return undefined;
  if (region.code === undefined || record.code === undefined) return undefined;
  return { region: region.code, record: record.code, before: tags.slice(0, end - 2) };
}

export function originOf(resource: Resource): Origin | undefined {
  const found = originIn(resource);
  return found && { region: found.region, record: found.record };
}

/**
 * What a resource of a merged answer may have been as it travelled: without the tags that the merge added at the end,
 * its addresses below the record's base on the wire again. There are several, since a merge does not say whether there
 * was an empty `meta` before it; the digest tells which it is.
 *
 * @param entity of the region, for the base on the wire
 * @param fullUrl of the resource's entry, where there is one
 */
export function beforeMerge(resource: Resource, entity: string, fullUrl: string | undefined): Resource[] {
  const found = originIn(resource);
  if (found === undefined) return [];
  const { region, record, before } = found;
  const { tag: _added, ...rest } = resource.meta ?? {};
  const untagged = (meta: Meta | undefined): Resource => {
    const { meta: _merged, ...own } = resource;
    return meta === undefined ? own : { ...own, meta };
  };
  const metas: (Meta | undefined)[] =
    before.length > 0
      ? [{ ...rest, tag: [...before] }]
      : [rest, { ...rest, tag: [] }, ...(Object.keys(rest).length === 0 ? [undefined] : [])];
  const wire = recordBase(entity, region, record);
  const path = recordBase('', region, record);
  const bases = [...basesIn([fullUrl, resource], path)].filter((base) => base !== wire).slice(0, MOST_BASES);
  return metas.map(untagged).flatMap((one) => [one, ...bases.map((base) => moveBase(one, base, wire))]);
}

/** Every address that some text below `value` has before and with this record's path. */
function basesIn(value: unknown, path: string, found = new Set<string>()): Set<string> {
  if (typeof value === 'string') {
    const at = /^https?:/.test(value) ? value.indexOf(path) : -1;
    if (at > 0) found.add(value.slice(0, at + path.length));
  } else if (Array.isArray(value)) for (const item of value) basesIn(item, path, found);
  else if (isObject(value)) for (const item of Object.values(value)) basesIn(item, path, found);
  return found;
}
