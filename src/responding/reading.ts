import type { Sealer } from '../evidence/seal.ts';
import type { Search } from '../fhir/search-parameters.ts';
import type { Log } from '../log.ts';
import type { RecordLink } from '../upstream/record-link.ts';

/** What reading the region's records stands on. */
export interface Reading {
  readonly links: readonly RecordLink[];
  readonly cursors: Sealer;
  readonly entity: string;
  readonly region: string;
  readonly now: () => number;
  readonly log: Log;
}

/** One search of a query, parsed, for the records that it is meant for. */
export interface ParsedSearch {
  readonly id: string;
  readonly search: Search;
  readonly record: string | undefined;
  readonly cursor: string | undefined;
}

/** A search for one record. `page` is where the record itself said to go on, unsealed from the cursor. */
export interface RecordSearch extends ParsedSearch {
  readonly page: string | undefined;
}
