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

/** That demographics told of a patient that the record is restricted, and when they did last. */
export interface ToldRestriction {
  readonly patient: string;
  readonly told: number;
}

/**
 * Patients of whom demographics said last that they are restricted: for when demographics cannot be asked. None of them is
 * forgotten because it is old.
 */
export interface ToldRestrictionStore {
  /** Inserts, or makes `told` later. All or none of one call. */
  record(told: readonly ToldRestriction[]): Promise<void>;
  /** Deletes of these what was told before `before`, and nothing that was told then or later. All or none of one call. */
  lift(patients: readonly string[], before: number): Promise<void>;
  /** Which of these it is, in no order. */
  of(patients: readonly string[]): Promise<ToldRestriction[]>;
}
