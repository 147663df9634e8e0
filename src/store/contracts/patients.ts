export interface CareLocation {
  readonly patient: string;
  /** ODS organisation or site code. */
  readonly organisation: string;
  readonly firstSeen: number;
  readonly lastSeen: number;
  /** Who says so: a file, a feed, the demo. */
  readonly source: string;
}

/** Where patients were treated, as this region knows it. */
export interface CareLocationStore {
  /** Inserts, or widens first and last seen of what is there. All or none of one call. */
  record(locations: readonly CareLocation[]): Promise<void>;
  /** The locations of one patient (either digest, where a number was superseded), at most 200, last seen first. */
  of(patients: readonly string[]): Promise<CareLocation[]>;
}

export interface Objection {
  readonly patient: string;
  readonly kind: 'objection' | 'restriction';
  readonly from: number;
  readonly until?: number | undefined;
}

/** Patients who objected to sharing, or whose record is restricted, in this region. */
export interface ObjectionStore {
  /** Inserts or replaces by (patient, kind). All or none of one call. */
  record(objections: readonly Objection[]): Promise<void>;
  /** What is in force at `at` for any of the digests. */
  inForce(patients: readonly string[], at: number): Promise<Objection[]>;
}
