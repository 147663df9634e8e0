import { StartError } from '../errors.ts';
import type { Resource } from '../fhir/resource.ts';
import { perRegion, type RecordId, type RegionId } from './places.ts';

/** One answer of the PDS stand-in to `GET Patient/{nhsNumber}`. */
export type PdsEntry =
  | { readonly nhsNumber: string; readonly patient: Resource }
  /** The number was merged into another: PDS answers with that patient, whose id then differs. */
  | { readonly nhsNumber: string; readonly supersededBy: string }
  /** 404 INVALIDATED_RESOURCE. */
  | { readonly nhsNumber: string; readonly invalidated: true };

/** "A patient of ours was treated there." Dates are `YYYY-MM-DD`. */
export interface CareLocation {
  readonly nhsNumber: string;
  /** ODS code of the organisation or site that treated. */
  readonly organisation: string;
  readonly firstSeen: string;
  readonly lastSeen: string;
}

/** Who is, or was, registered in a region, as its own register has it. Dates are `YYYY-MM-DD`. */
export interface Registered {
  readonly nhsNumber: string;
  /** ODS code. */
  readonly practice: string;
  readonly from: string;
  readonly until?: string;
}

export interface Objection {
  readonly nhsNumber: string;
  /** The region at which the patient objected to sharing. */
  readonly region: RegionId;
  readonly kind: 'objection';
  /** `YYYY-MM-DD`. */
  readonly from: string;
  readonly reason: string;
}

/** Everything that the stand-ins serve and the brokers are seeded with. */
export interface DemoData {
  readonly records: Readonly<Record<RecordId, readonly Resource[]>>;
  readonly demographics: readonly PdsEntry[];
  /** By the region that knows of them. */
  readonly careLocations: Readonly<Record<RegionId, readonly CareLocation[]>>;
  readonly objections: readonly Objection[];
  /** By the region whose register it is. */
  readonly registers?: Readonly<Partial<Record<RegionId, readonly Registered[]>>>;
}

/**
 * Puts several sets together.
 *
 * @throws StartError when two sets give one record the same id for different things
 */
export function mergeDemoData(...sets: readonly DemoData[]): DemoData {
  const [first, ...rest] = sets;
  if (first === undefined) throw new TypeError('mergeDemoData needs at least one set');
  const merged = rest.reduce(
    (one, other) => ({
      records: mergedLists(one.records, other.records),
      demographics: [...one.demographics, ...other.demographics],
      careLocations: mergedLists(one.careLocations, other.careLocations),
      objections: [...one.objections, ...other.objections],
      registers: mergedLists(registersOf(one), registersOf(other)),
    }),
    first,
  );
  for (const [record, resources] of Object.entries(merged.records)) {
    const keys = new Set<string>();
    for (const { resourceType, id = '' } of resources) {
      const key = `${resourceType}/${id}`;
      if (keys.has(key))
        throw new StartError(`${record} would hold ${key} twice. Give one of them another id.`);
      keys.add(key);
    }
  }
  return merged;
}

function registersOf({ registers }: DemoData): Record<RegionId, readonly Registered[]> {
  return perRegion((region) => registers?.[region] ?? []);
}

function mergedLists<K extends string, T>(
  one: Readonly<Record<K, readonly T[]>>,
  other: Readonly<Record<K, readonly T[]>>,
): Record<K, readonly T[]> {
  const keys = Object.keys(one) as K[];
  return Object.fromEntries(keys.map((key) => [key, [...one[key], ...other[key]]])) as unknown as Record<
    K,
    readonly T[]
  >;
}
