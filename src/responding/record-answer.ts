import type { Source } from '../evidence/claims.ts';
import type { BundleEntry } from '../fhir/resource.ts';

/** What one record gives to one query: a source for each search, and the entries in the sources' order. */
export interface RecordAnswer {
  readonly record: string;
  readonly sources: readonly Source[];
  readonly entries: readonly BundleEntry[];
  /** The record itself says that the patient is restricted: then the whole region says nothing. */
  readonly restricted: boolean;
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
  return { record, sources, entries: [], restricted: false };
}
