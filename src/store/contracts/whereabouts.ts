import type { ToldBy } from './notices.ts';

/** A patient of this region's practices, as the region's own register has it. */
export interface RegisterEntry {
  readonly patient: string;
  /** The NHS number under this region's own key: a leaver's new home is looked up by it. */
  readonly sealedNumber: Uint8Array;
  /** ODS code. */
  readonly practice: string;
  /** Since when the patient has been registered with any practice of this region. */
  readonly from: number;
  /** When the patient was found to be registered here no more. */
  readonly until?: number | undefined;
}

/** The local register: whose home this region is, as it knows by itself. */
export interface RegisterStore {
  /** Inserts, or replaces the practice and `until`; `from` stays where the patient never left. All or none of one call. */
  record(entries: readonly RegisterEntry[]): Promise<void>;
  /** At most one for each digest. */
  of(patients: readonly string[]): Promise<RegisterEntry[]>;
  /** Those who left, in the order of (`until`, `patient`), from after `after` on; at most `limit` (1 to 1,000). */
  leavers(
    after: { readonly until: number; readonly patient: string } | undefined,
    limit: number,
  ): Promise<RegisterEntry[]>;
}

/** A region that holds something of a patient of ours. */
export interface KnownRegion {
  readonly patient: string;
  readonly region: string;
  readonly how: ToldBy;
  /** Who told: the region itself, or the former home. */
  readonly from: string;
  readonly firstTold: number;
  readonly lastTold: number;
}

/** Where to look for the patients of this region, region by region: what the neighbours' notices and handovers told. */
export interface KnownRegionStore {
  /** Inserts, or widens first and last told of what is there. All or none of one call. */
  record(known: readonly KnownRegion[]): Promise<void>;
  /** What is known of one patient (either digest, where a number was superseded), last told first, at most 200. */
  of(patients: readonly string[]): Promise<KnownRegion[]>;
  /** Deletes up to `limit` (1 to 1,000) that were last told before `before`. @returns how many */
  forget(before: number, limit: number): Promise<number>;
}
