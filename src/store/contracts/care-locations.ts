export interface CareLocation {
  /** Keyed digest of the NHS number, base64url. The first 16 of its bytes are kept. */
  readonly patient: string;
  /** ODS organisation or site code. */
  readonly organisation: string;
  /** Kept to the day (UTC): both come back as its beginning. */
  readonly firstSeen: number;
  readonly lastSeen: number;
  /** Who says so: a file, a feed, the demo. */
  readonly source: string;
}

/** What of a care location recurs: kept once, and numbered. */
export type CarePlace = Pick<CareLocation, 'organisation' | 'source'>;

export interface Merged {
  /** Rows that were taken, from the first that was given. */
  readonly taken: number;
  /** Of these: how many were new, and how many widened what was there. The others changed nothing. */
  readonly added: number;
  readonly widened: number;
}

/** What one step of a walk over the index found. */
export interface Tallied {
  readonly patients: number;
  readonly places: readonly (CarePlace & {
    readonly rows: number;
    readonly firstSeen: number;
    readonly lastSeen: number;
  })[];
  /** Where the next step begins; undefined at the end. */
  readonly next: string | undefined;
}

/** Where patients were treated, as this region knows it. */
export interface CareLocationStore {
  /** Inserts, or widens first and last seen of what is there. All or none of one call. */
  record(locations: readonly CareLocation[]): Promise<void>;
  /**
   * The locations of one patient (either digest, where a number was superseded), last seen first. Of each digest at most 200: where
   * there are more, sources and the organisations of each (the first three characters of a code) take turns, so that none
   * pushes out what another tells.
   */
  of(patients: readonly string[]): Promise<CareLocation[]>;
  /** The numbers of these places (at most 1,000), in order; each is given one that has none. */
  numbersOf(places: readonly CarePlace[]): Promise<number[]>;
  /**
   * Records packed rows (`src/store/sightings.ts`) whose places are numbers of `numbersOf`: as many from the front as fit into
   * a short transaction or two, so that whoever else writes to the store waits for a moment only, and has had a turn when it
   * resolves. Where it fails some of them may be there: to be merged once more.
   *
   * @param rows in the order of `sorted`: others are taken too, many times slower
   */
  merge(rows: Buffer): Promise<Merged>;
  /** To be called when all of an import is merged: what look-ups are planned by is brought up to date, where a store plans them. */
  settle(): Promise<void>;
  /**
   * Deletes what was last seen on a day before that of `before`, among about `limit` (1 to 10,000) rows of which the first
   * comes after `after`: '' to begin, then what `next` said.
   */
  forget(
    before: number,
    after: string,
    limit: number,
  ): Promise<{ readonly forgotten: number; readonly next: string | undefined }>;
  /** Counts among about `limit` (1 to 100,000) rows, in the same way. */
  tally(after: string, limit: number): Promise<Tallied>;
}
