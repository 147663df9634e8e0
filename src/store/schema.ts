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
  objection: { patient: string; kind: string; from_time: number; until_time: number | null };
}
