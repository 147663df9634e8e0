import { localReference } from '../../fhir/references.ts';
import { isObject, type Identifier, type Resource } from '../../fhir/resource.ts';
import { numberOfPatient } from '../../routing/encounter.ts';

const MOST_KNOWN = 10_000;
const MOST_DONE = 100_000;
const ODS_SYSTEMS = ['https://fhir.nhs.uk/Id/ods-site-code', 'https://fhir.nhs.uk/Id/ods-organization-code'];
/** What Encounters refer to that says who or where it was. */
const KINDS = new Set(['Patient', 'Organization', 'Location']);

export type Named = ReturnType<typeof numberOfPatient>;

/** Of what an Encounter refers to: the NHS number of a Patient, the ODS code of an organisation or a place. */
interface Known {
  readonly number: Named;
  readonly place: Identifier | undefined;
}

/** Not kept: it may come. */
const NOT_THERE: Known = { number: 'nhs-number-missing', place: undefined };

/**
 * What is at hand of a record, so that it is not asked for again: some thousand Patients, organisations and places by their
 * names in it, for one round, since a record corrects whose they are; and which Encounters were recorded lately.
 */
export class AtHand {
  readonly #known = new Map<string, Known>();
  readonly #done = new Set<string>();

  /** Forgets what things refer to: it may be another since. */
  newRound(): void {
    this.#known.clear();
  }

  /** Keeps those that came with a page. */
  addAll(resources: readonly Resource[]): void {
    for (const one of resources)
      if (KINDS.has(one.resourceType)) this.#add(`${one.resourceType}/${one.id}`, one);
  }

  /**
   * What a reference within the record leads to.
   *
   * @param read asks the record for what is not at hand; undefined where it has no such thing
   * @returns undefined for a reference that leads elsewhere, or to anything else
   */
  async find(
    reference: string,
    base: string,
    read: (name: string) => Promise<Resource | undefined>,
  ): Promise<Known | undefined> {
    const local = localReference(reference, [base]);
    if (local === undefined || !KINDS.has(local.type)) return undefined;
    const name = `${local.type}/${local.id}`;
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const resource = await read(name);
    return resource === undefined ? NOT_THERE : this.#add(name, resource);
  }

  /** What is asked for again because of the overlap is no news. */
  isDone(version: string): boolean {
    return this.#done.has(version);
  }

  setDone(versions: readonly string[]): void {
    if (this.#done.size >= MOST_DONE) this.#done.clear();
    for (const version of versions) this.#done.add(version);
  }

  #add(name: string, resource: Resource): Known {
    if (this.#known.size >= MOST_KNOWN) this.#known.clear();
    const known = { number: numberOfPatient(resource), place: placeOf(resource) };
    this.#known.set(name, known);
    return known;
  }
}

function placeOf(resource: Resource | undefined): Identifier | undefined {
  const identifiers = Array.isArray(resource?.['identifier']) ? (resource['identifier'] as unknown[]) : [];
  return ODS_SYSTEMS.flatMap((system) =>
    identifiers.filter((one) => isObject(one) && one['system'] === system),
  )[0] as Identifier | undefined;
}
