import type { Resource } from '../../fhir/resource.ts';
import type { CareLocation, DemoData, Objection, PdsEntry, Registered } from '../demo-data.ts';
import { perRecord, perRegion, type AnyRecordId, type Hospital, type RegionId } from '../places.ts';
import { ODS_SYSTEM } from './person.ts';

export interface Reference {
  readonly reference: string;
  readonly display?: string;
}

/**
 * Two records number their resources from the same start, as real ones do: what `Condition/1001` is depends on
 * whom you ask.
 */
const ID_PREFIX: Readonly<Record<AnyRecordId, string>> = {
  'hwe-shared-care-record': '',
  'london-care-record': '',
  'mid-south-essex': 'mse-',
  'suffolk-north-east-essex': 'snee-',
  'one-health-and-care': 'ohc-',
  'collaborative-care-record': 'ccr-',
  'greater-manchester-record': 'gm-',
};

/** Collects what the demo serves; gives each resource an id that is local to its record. */
export class Ledger {
  readonly now: Date;
  readonly #firstId: number;
  readonly #records = new Map<AnyRecordId, Resource[]>();
  readonly #lastIds = new Map<string, number>();
  readonly #shared = new Map<string, Reference>();
  readonly #demographics: PdsEntry[] = [];
  readonly #careLocations = perRegion((): CareLocation[] => []);
  readonly #objections: Objection[] = [];
  readonly #registers = perRegion((): Registered[] => []);

  /** @param firstId where the numbers of each record and type start; two ledgers must not overlap */
  constructor(now: Date, firstId: number) {
    this.now = now;
    this.#firstId = firstId;
  }

  nextId(record: AnyRecordId, type: string): string {
    const key = `${record} ${type}`;
    const id = (this.#lastIds.get(key) ?? this.#firstId - 1) + 1;
    this.#lastIds.set(key, id);
    return `${ID_PREFIX[record]}${String(id)}`;
  }

  add(record: AnyRecordId, resource: Resource): Reference {
    const held = this.#records.get(record);
    if (held === undefined) this.#records.set(record, [resource]);
    else held.push(resource);
    return { reference: `${resource.resourceType}/${resource.id ?? ''}` };
  }

  /** The record's Organization for a hospital or practice, made when it is first needed. */
  organisation(record: AnyRecordId, { ods, name }: Hospital): Reference {
    const identifier = [{ system: ODS_SYSTEM, value: ods }];
    return this.#once(record, 'Organization', ods, name, { identifier, active: true, name });
  }

  /** The record's Practitioner of that name, made when it is first needed. */
  practitioner(record: AnyRecordId, prefix: string, given: string, family: string): Reference {
    const name = [{ use: 'official', prefix: [prefix], given: [given], family }];
    return this.#once(record, 'Practitioner', `${given} ${family}`, `${prefix} ${given} ${family}`, { name });
  }

  demographics(entry: PdsEntry): void {
    this.#demographics.push(entry);
  }

  careLocation(knownTo: RegionId, location: CareLocation): void {
    this.#careLocations[knownTo].push(location);
  }

  registered(region: RegionId, entry: Registered): void {
    this.#registers[region].push(entry);
  }

  objection(objection: Objection): void {
    this.#objections.push(objection);
  }

  heldBy(record: AnyRecordId): readonly Resource[] {
    return this.#records.get(record) ?? [];
  }

  /** What the four regions and the services of the whole country have of it. */
  data(): DemoData {
    return {
      records: perRecord((record) => this.heldBy(record)),
      demographics: this.#demographics,
      careLocations: this.#careLocations,
      objections: this.#objections,
      registers: this.#registers,
    };
  }

  #once(
    record: AnyRecordId,
    type: string,
    key: string,
    display: string,
    elements: Record<string, unknown>,
  ): Reference {
    const known = this.#shared.get(`${record} ${type} ${key}`);
    if (known !== undefined) return known;
    const lastUpdated = new Date(this.now.getTime() - 400 * 86_400_000).toISOString();
    const profile = [`https://fhir.hl7.org.uk/StructureDefinition/UKCore-${type}`];
    const meta = { versionId: '1', lastUpdated, profile };
    const made = this.add(record, { resourceType: type, id: this.nextId(record, type), meta, ...elements });
    const reference = { ...made, display };
    this.#shared.set(`${record} ${type} ${key}`, reference);
    return reference;
  }
}
