import type { Generated } from 'kysely';

/** The tables, as kysely sees them; `migrations/` makes them. */
export interface Tables {
  spent: { issuer: string; jti: string; keep_until: number };
  audit: {
    sequence: Generated<number>;
    at: number;
    event: string;
    exchange: string;
    region: string | null;
    jti: string | null;
    patient: string | null;
    organisation: string | null;
    user: string | null;
    role: string | null;
    purpose: string | null;
    outcome: string | null;
    reason: string | null;
    count: number | null;
    detail: string | null;
  };
  refusal_count: { code: string; minute: number; count: number };
  care_location: {
    patient: string;
    organisation: string;
    source: string;
    first_seen: number;
    last_seen: number;
  };
  objection: { patient: string; kind: string; from_time: number; until_time: number | null };
}
