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
