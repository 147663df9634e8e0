/**
 * What the broker asks of a store, and what a store promises. `test/store/contract.ts` holds every store to it.
 *
 * All methods reject with HouseError `store-unavailable` (or `audit-unavailable` for the audit) when the store
 * cannot do what it promises; a rejected write may or may not have happened, a resolved one has.
 * Times are milliseconds since the epoch. Patients are named by a keyed digest, never by their number.
 */

/** Which messages were seen. Shared by all replicas of one region. */
export interface ReplayStore {
  /**
   * Spends (`issuer`, `jti`) in one atomic, durable step.
   * @returns true for exactly one of any number of calls, concurrent ones included, until `keepUntil`
   */
  spend(issuer: string, jti: string, keepUntil: number): Promise<boolean>;
}

/** The kinds of event, one helper of `src/audit/` each. */
export const AUDIT_EVENTS = [
  'viewer-refused',
  'route-planned',
  'query-sent',
  'response-believed',
  'response-not-believed',
  'not-reached',
  'released-to-viewer',
  'query-answered',
  'query-withheld',
  'query-refused',
  'objections-imported',
  'started',
] as const;
export type AuditEvent = (typeof AUDIT_EVENTS)[number];

/** One row of the audit. It holds identifiers and outcomes, no clinical content. */
export interface AuditRow {
  readonly at: number;
  readonly event: AuditEvent;
  /** Ties the rows of one viewer request (requester) or one query (responder) together. */
  readonly exchange: string;
  readonly region?: string | undefined;
  readonly jti?: string | undefined;
  readonly patient?: string | undefined;
  readonly organisation?: string | undefined;
  readonly user?: string | undefined;
  readonly role?: string | undefined;
  readonly purpose?: string | undefined;
  readonly outcome?: string | undefined;
  readonly reason?: string | undefined;
  readonly count?: number | undefined;
  /** JSON: reasons, sources, digests. */
  readonly detail?: string | undefined;
}

export interface StoredAuditRow extends AuditRow {
  /** Rises by one with every row; a gap means that a row was taken away. */
  readonly sequence: number;
}

export interface AuditStore {
  /** Appends rows, in order and all or none; resolves only when they are on the disk. */
  append(rows: readonly AuditRow[]): Promise<void>;
  /** Adds one to the count of `code` in the minute of `at`: for what is refused before identity is proved. */
  count(code: string, at: number): Promise<void>;
  /** Rows after `after`, oldest first, at most `limit` (1 to 1,000). */
  page(after: number, limit: number): Promise<StoredAuditRow[]>;
  /** The counts of a span of time, at most 1,000 rows, newest minute first. */
  counts(from: number, to: number): Promise<{ code: string; minute: number; count: number }[]>;
}

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

export interface Store {
  readonly replay: ReplayStore;
  readonly audit: AuditStore;
  readonly careLocations: CareLocationStore;
  readonly objections: ObjectionStore;
  /** True when a durable write works now. */
  healthy(): Promise<boolean>;
  close(): Promise<void>;
}
