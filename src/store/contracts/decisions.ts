/** A decision on whom we trust (`src/trust`), the same in every replica's sight. */
export interface Decision {
  /** From 0 on without gaps: whoever decides on a state that is no longer the last decides nothing. */
  readonly sequence: number;
  readonly at: number;
  readonly kind: string;
  /** The neighbour that it is about. */
  readonly region: string;
  /** The id of an admin, or of what decided without one. */
  readonly by: string;
  /** Of the log's entry that tells of it. */
  readonly exchange: string;
  /** JSON: what was decided. */
  readonly detail: string;
  /** Proves that whoever has the secrets wrote it after the one before it. */
  readonly seal: string;
}

/** Decisions are appended with their entries in the log, and never changed or deleted. */
export interface DecisionStore {
  /** From `sequence` on, oldest first, at most `limit` (1 to 1,000). */
  from(sequence: number, limit: number): Promise<Decision[]>;
}

/** An entity statement that was verified with the federation keys pinned for its entity. */
export interface KeptStatement {
  readonly entity: string;
  readonly sequence: number;
  /** When it was used first, milliseconds since the epoch. */
  readonly at: number;
  /** JWS, compact. */
  readonly token: string;
}

/** Every statement that this region relied on, so that what an old key signed can be verified years later. */
export interface StatementStore {
  /** Keeps a text once; two texts of one sequence are both kept. */
  keep(statement: KeptStatement): Promise<void>;
  /** Those of an entity, the highest sequence first, at most 200. */
  of(entity: string): Promise<KeptStatement[]>;
}

/** A file that trust rests on, as it was when it was whole, sealed by who wrote it. */
export interface KeptFile {
  readonly replica: string;
  readonly file: string;
  readonly text: string;
  readonly seal: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export interface WholeFileStore {
  /** In the place of what was kept of these files. All or none of one call. */
  keep(files: readonly KeptFile[]): Promise<void>;
  /** The newest first, at most 2,000. */
  of(replica: string): Promise<KeptFile[]>;
}
