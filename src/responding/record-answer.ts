import type { Source } from '../evidence/claims.ts';
import { nhsNumbersOf } from '../fhir/nhs-number.ts';
import type { FilledEntry, Resource } from '../fhir/resource.ts';

/** What one record gives to one query: a source for each search, and the entries in the sources' order. */
export interface RecordAnswer {
  readonly record: string;
  readonly sources: readonly Source[];
  readonly entries: readonly FilledEntry[];
  /** The record itself says that the patient is restricted: then the whole region says nothing. */
  readonly restricted: boolean;
  /** Every NHS number on the record's Patients: an objection may be kept under any of them. */
  readonly nhsNumbers: readonly string[];
}

/** The record knows the patient as restricted: nothing more of it is told, whatever was asked. */
export function restrictedAt(record: string): RecordAnswer {
  return { record, sources: [], entries: [], restricted: true, nhsNumbers: [] };
}

/** Every search of a record ends the same way. */
export function sameForAll(
  record: string,
  searches: readonly { id: string }[],
  outcome: Source['outcome'],
  reason?: string,
): RecordAnswer {
  const sources = searches.map(({ id }): Source => ({
    record,
    search: id,
    outcome,
    count: 0,
    ...(reason === undefined ? {} : { reason }),
  }));
  return { record, sources, entries: [], restricted: false, nhsNumbers: [] };
}

/** Every NHS number on some Patient resources. */
export function numbersOn(patients: readonly Resource[]): string[] {
  return patients.flatMap((patient) => nhsNumbersOf(patient['identifier']));
}
