import type { ToldBy } from './notices.ts';

/** A patient of this region's practices, as the region's own register has it. */
export interface RegisterEntry {
  readonly patient: string;
  /** The NHS number under this region's own key: a leaver's new home is looked up by it. */
  readonly sealedNumber: Uint8Array;
  /** ODS code. */
  readonly practice: string;
  /** Since when the patient has been registered with any practice of this region, where that is known. */
  readonly from?: number | undefined;
  /** When the patient was found to be registered here no more. */
  readonly until?: number | undefined;
}

/** One reading of the register, from whichever file. */
export interface RegisterReading {
  /** When it began: the same for all its calls, and later than that of the reading before. */
  readonly at: number;
  /** Since when those are here who are new and of whom the file does not say; absent where that cannot be told. */
  readonly joined?: number | undefined;
}

export interface RegisterCounts {
  readonly present: number;
  readonly left: number;
  /** When the reading began that ended last, and the same of a file with every patient. */
  readonly readAt?: number | undefined;
  readonly wholeAt?: number | undefined;
}

/** A place in the list of leavers: the entry that was read last. */
export interface LeaverPlace {
  readonly until: number;
  readonly patient: string;
}

/** The local register: whose home this region is, as it knows by itself. */
export interface RegisterStore {
  /**
   * Inserts, or replaces the practice; `from` stays, or becomes earlier, where the patient never left; `until` stays
   * where it is set already. Who is both here and gone by one reading is here. All or none of one call.
   */
  record(entries: readonly RegisterEntry[], reading: RegisterReading): Promise<void>;
  /** At most one for each digest. */
  of(patients: readonly string[]): Promise<RegisterEntry[]>;
  /**
   * Who has left, ordered by (`until`, `patient`), after a place. One reading marks leavers at rising times; who came
   * back meanwhile is not in the list any more.
   */
  leavers(after: LeaverPlace | undefined, limit: number): Promise<RegisterEntry[]>;
  /** How many are here whom no reading has had since `before`. */
  unread(before: number): Promise<number>;
  /**
   * Looks at the next `limit` patients after `after` (ordered by digest) and marks those as left at `until` who are here
   * and whom no reading has had since `before`.
   *
   * @returns how many were marked, and the last that was looked at: undefined at the end
   */
  markLeft(
    step: { readonly before: number; readonly until: number; readonly after: string },
    limit: number,
  ): Promise<{ readonly marked: number; readonly last: string | undefined }>;
  /** A reading came to its end. */
  ended(reading: { readonly at: number; readonly isWhole: boolean }): Promise<void>;
  counts(): Promise<RegisterCounts>;
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
  /** What one region told and is kept: by region that is to hold something and how, of how many patients. */
  toldBy(
    teller: string,
  ): Promise<{ readonly region: string; readonly how: ToldBy; readonly count: number }[]>;
  /** Deletes up to `limit` (1 to 1,000) that one region told; what another told as well stays. @returns how many */
  forgetTeller(teller: string, limit: number): Promise<number>;
}
