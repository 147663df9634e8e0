import { StartError } from '../errors.ts';
import type { Resource } from '../fhir/resource.ts';
import type { CareLocation, DemoData, PdsEntry } from './demo-data.ts';
import { placed, stayOf } from './load/place.ts';
import { isSupporting, Pool } from './load/pool.ts';
import type { BundleFile } from './load/read-bundles.ts';
import { groupsOf, settle, type Settled } from './load/settle.ts';
import { pdsAnswer, registered } from './load/who.ts';
import {
  perRecord,
  perRegion,
  PRACTICES,
  RECORD_IDS,
  RECORDS,
  type Practice,
  type RecordId,
} from './places.ts';
import { testNhsNumbers } from './test-nhs-number.ts';

export { readBundles, type BundleFile } from './load/read-bundles.ts';

export interface SpreadPerson {
  readonly nhsNumber: string;
  /** The file that holds the Patient. */
  readonly file: string;
  readonly practice: Practice;
  /** `Type/id` of the patient's own resources in each record; the Patient itself is in each that holds any. */
  readonly held: Readonly<Record<RecordId, readonly string[]>>;
}

export interface Spread extends DemoData {
  readonly people: readonly SpreadPerson[];
  /** `Type/id` of what no patient's resource refers to (Synthea lists practitioners nobody saw): in no record. */
  readonly unused: readonly string[];
  /** How many references point to what no file holds; they are left as they were. */
  readonly unresolved: number;
}

const FIRST_NHS_NUMBER = '9995000000';

/**
 * Spreads anyone's FHIR R4 bundles (transaction, batch, collection, searchset, document) or single resources over
 * the demo's records. Each patient gets a test NHS number and a practice; each encounter, with everything that
 * hangs on it, goes to one record, so that every patient's data lie in two regions or more; what belongs to no
 * encounter stays at home. What they refer to (Practitioner, Organization...) is put into every record that
 * needs it.
 *
 * @throws StartError naming every file that cannot be used, and why
 */
export async function spreadBundles(given: {
  bundles: AsyncIterable<BundleFile>;
  now: Date;
}): Promise<Spread> {
  const pool = new Pool();
  let files = 0;
  for await (const file of given.bundles) {
    pool.addFile(file);
    files++;
  }
  const settled = settle(pool);
  refuseProblems(pool.problems, files);
  const all = [...settled.values()];
  const patients = all.filter(({ resource }) => resource.resourceType === 'Patient');
  if (patients.length === 0)
    throw new StartError('--records: no file holds a Patient, so there is nobody to load.');

  const records = perRecord(() => new Map<string, Resource>());
  const careLocations = perRegion((): CareLocation[] => []);
  const demographics: PdsEntry[] = [];
  const people: SpreadPerson[] = [];
  const byPatient = Map.groupBy(all, ({ patient }) => patient);
  const numbers = testNhsNumbers(FIRST_NHS_NUMBER, patients.length);
  const registeredSince = new Date(given.now.getTime() - 3650 * 86_400_000).toISOString().slice(0, 10);
  for (const [turn, patient] of patients.entries()) {
    const nhsNumber = numbers[turn] as string;
    const practice = PRACTICES[turn % PRACTICES.length] as Practice;
    const home = practice.record;
    const local = { ...patient, resource: registered(patient.resource, nhsNumber, practice) };
    const own = (byPatient.get(patient.key) ?? []).filter(({ key }) => key !== patient.key);
    const held = perRecord((): string[] => []);
    for (const [record, entries] of placed(groupsOf(own), home, turn)) {
      const together = [local, ...entries];
      held[record].push(...together.map(({ key }) => key));
      addTo(records[record], together, settled, given.now.toISOString());
      careLocations[RECORDS[home].region].push(...stayOf(record, home, entries, nhsNumber));
    }
    people.push({ nhsNumber, file: patient.file, practice, held });
    demographics.push({
      nhsNumber,
      patient: pdsAnswer(patient.resource, nhsNumber, practice, registeredSince),
    });
  }
  return {
    records: perRecord((record) => [...records[record].values()]),
    demographics,
    careLocations,
    objections: [],
    people,
    unused: all.map(({ key }) => key).filter((key) => !RECORD_IDS.some((record) => records[record].has(key))),
    unresolved: all.reduce((sum, { unresolved }) => sum + unresolved, 0),
  };
}

function refuseProblems(problems: ReadonlyMap<string, string>, files: number): void {
  if (problems.size === 0) return;
  const each = [...problems].map(([file, problem]) => `${file} ${problem}`).join('; ');
  const count = `${String(problems.size)} of ${String(files)} files cannot be used`;
  throw new StartError(`--records: ${count}: ${each}. Mend them or take them out.`);
}

/** Adds `entries` and all that they refer to, directly or through one another, that is about no patient. */
function addTo(
  record: Map<string, Resource>,
  entries: readonly Settled[],
  settled: ReadonlyMap<string, Settled>,
  lastUpdated: string,
): void {
  for (const { key, resource, refersTo } of entries) {
    record.set(key, { ...resource, meta: { versionId: '1', lastUpdated, ...resource.meta } });
    const supporting = [...refersTo]
      .filter((target) => !record.has(target))
      .map((target) => settled.get(target))
      .filter((target) => target !== undefined && isSupporting(target.resource));
    addTo(record, supporting as Settled[], settled, lastUpdated);
  }
}

/** One line a patient, for a person to read: who is registered where, and how much of them lies in which record. */
export function whoIsWhere(spread: Spread): string[] {
  return spread.people.map(({ nhsNumber, file, practice, held }) => {
    const number = `${nhsNumber.slice(0, 3)} ${nhsNumber.slice(3, 6)} ${nhsNumber.slice(6)}`;
    const places = RECORD_IDS.filter((record) => held[record].length > 0);
    const counts = places.map((record) => `${record} ${String(held[record].length)}`).join(', ');
    return `${number}  ${practice.ods} ${RECORDS[practice.record].region}  ${counts}  (${file})`;
  });
}
