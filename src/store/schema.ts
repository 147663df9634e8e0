import type { Generated } from 'kysely';

/** The tables, as kysely sees them; `migrations/` makes them. */
export interface Tables {
  spent: { issuer: string; jti: string; keep_until: number };
  log: {
    log: string;
    size: number;
    frontier: Uint8Array;
    next: Generated<string | null>;
    ended_at: Generated<number | null>;
    why: Generated<string | null>;
  };
  /** One row. */
  store_state: {
    only: number;
    opened_at: number | null;
    closed_since: number | null;
    closed_why: string | null;
    closed_detail: string | null;
  };
  log_entry: {
    log: string;
    sequence: number;
    at: number;
    event: string;
    exchange: string;
    region: string | null;
    jti: string | null;
    patient: string | null;
    user: string | null;
    organisation: string | null;
    outcome: string | null;
    break_glass: number;
    leaf: Uint8Array;
    leaf_hash: Uint8Array;
  };
  log_sealed: {
    log: string;
    sequence: number;
    wrapped_by: string;
    wrapped_key: Uint8Array;
    ciphertext: Uint8Array;
  };
  log_key: { log: string; sequence: number; wrapped_by: string; wrapped_key: Uint8Array };
  log_tile: { log: string; level: number; tile: number; hashes: Uint8Array };
  open_work: { log: string; exchange: string; sequence: number };
  checkpoint: { log: string; size: number; at: number; note: string };
  witnessed: { origin: string; size: number; at: number; note: string };
  fork: { origin: string; at: number; held: string; seen: string; digest: string };
  whole_file: { replica: string; file: string; text: string; seal: string; at: number };
  statement: { entity: string; sequence: number; digest: string; at: number; token: string };
  decision: {
    sequence: number;
    at: number;
    kind: string;
    region: string;
    decided_by: string;
    exchange: string;
    detail: string;
    seal: string;
  };
  /** `next`: sequence of the first entry that is not known to have arrived. */
  stream_cursor: { stream: string; log: string; next: number };
  log_segment: {
    log: string;
    first: number;
    until: number;
    file: string;
    sha256: string;
    oldest: number;
    newest: number;
    archived_at: number;
    pruned_at: number | null;
  };
  refusal_count: { code: string; minute: number; count: number };
  care_place: { id: number; organisation: string; source: string };
  /** `patient`: of the keyed digest the first 16 bytes. Days since 1970. */
  care_sighting: { patient: Uint8Array; place: number; first_day: number; last_day: number };
  register: {
    patient: string;
    sealed_number: Uint8Array;
    practice: string;
    from_time: number | null;
    until_time: number | null;
    read_at: number;
  };
  /** One row. */
  register_state: { only: number; read_at: number; whole_at: number | null };
  known_region: {
    patient: string;
    region: string;
    how: string;
    told_by: string;
    first_told: number;
    last_told: number;
  };
  notice_inbox: {
    sender: string;
    patient: string;
    region: string;
    how: string;
    sealed_number: Uint8Array;
    first_told: number;
    last_told: number;
    next: number;
    tries: number;
  };
  /** `day`: since 1970. */
  told_count: { day: number; teller: string; how: string; what: string; count: number };
  notice_queue: {
    patient: string;
    kind: string;
    state: string;
    home: string;
    sealed_number: Uint8Array | null;
    queued: number;
    since: number;
    next: number;
    tries: number;
  };
  /** One row. */
  leaver_cursor: { only: number; until_time: number; patient: string };
  directory_version: {
    code: string;
    kind: string;
    seen: string;
    facts: string;
    /** The generations that it belongs to: from `added` on, until `removed`. */
    added: number;
    removed: Generated<number | null>;
  };
  directory_import: {
    kind: string;
    date: string;
    file: string;
    sha256: string;
    lines: number;
    refused: number;
    at: number;
  };
  /** At most one row: the generation that counts, and the last one that was begun. */
  directory_generation: { only: number; generation: number; claim: number };
  objection: { patient: string; kind: string; from_time: number; until_time: number | null };
  /** `told`: milliseconds since the epoch. */
  told_restriction: { patient: string; told: number };
}
