import { z } from 'zod';

import { publicJwk } from './entity-statement.ts';

/** A compact JWS (RFC 7515) of at most 256 KiB. */
const token = z
  .string()
  .max(256 * 1024)
  .regex(/^[\w-]+\.[\w-]+\.[\w-]+$/);

/** SHA-256, base64url: of a statement's text, of a DER certificate (RFC 8705 `x5t#S256`). */
const digest = z.string().regex(/^[\w-]{43}$/);

/** Why something is no longer trusted: CRLReason of RFC 5280, 5.3.1, as far as it fits. */
export const REVOCATION_REASONS = [
  'key-compromise',
  'ca-compromise',
  'superseded',
  'cessation-of-operation',
  'privilege-withdrawn',
  'unspecified',
] as const;
export type RevocationReason = (typeof REVOCATION_REASONS)[number];

/** Why, and since when: of a revocation. */
export const revocation = {
  reason: z.enum(REVOCATION_REASONS),
  /** Since when it may have been in another's hands, milliseconds since the epoch. */
  compromised_since: z.int().nonnegative().optional(),
};

/** What is named by a revocation, or by what takes it back. */
export const revocable = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('neighbour') }),
  z.strictObject({ kind: z.literal('message-key'), kid: z.string().min(1).max(128) }),
  z.strictObject({ kind: z.literal('certificate'), thumbprint: digest }),
]);
export type Revocable = z.infer<typeof revocable>;

/** The kinds of decision, and what each says. Nothing in here is a name or a reason in words: these are in the log, sealed. */
const FORMS = {
  /** A refresh that changes only what it may change by itself (`docs/protocol.md`). */
  'statement-taken': z.strictObject({ token }),
  /** A refresh that changes more: nothing of it counts until it is approved. */
  'statement-pending': z.strictObject({ token, changes: z.array(z.string().max(200)).max(64) }),
  'statement-approved': z.strictObject({ digest }),
  'statement-declined': z.strictObject({ digest }),
  /** A new neighbour, as one admin proposes it. `agreement`: as in a configuration file. */
  'enrolment-proposed': z.strictObject({
    entity: z.url({ protocol: /^https$/ }),
    federation_keys: z.array(publicJwk).min(1).max(8),
    token,
    agreement: z.record(z.string(), z.unknown()),
  }),
  /** `proposal`: the sequence of the decision that is approved; `alone`: by the one who proposed it. */
  'enrolment-approved': z.strictObject({ proposal: z.int().nonnegative(), alone: z.boolean() }),
  'enrolment-declined': z.strictObject({ proposal: z.int().nonnegative() }),
  revoked: z.strictObject({ what: revocable, ...revocation }),
  reinstated: z.strictObject({ what: revocable }),
  /** Not asked until then, milliseconds since the epoch. */
  paused: z.strictObject({ until: z.int().nonnegative() }),
  resumed: z.strictObject({}),
} as const;

export type DecisionKind = keyof typeof FORMS;
export type DecisionDetail<Kind extends DecisionKind> = z.infer<(typeof FORMS)[Kind]>;

/** What was decided about one neighbour. */
export type TrustDecision = {
  [Kind in DecisionKind]: {
    readonly sequence: number;
    /** Milliseconds since the epoch. */
    readonly at: number;
    readonly kind: Kind;
    readonly region: string;
    /** The id of an admin; `REFRESH` for what the broker took by itself. */
    readonly by: string;
    readonly exchange: string;
    readonly detail: DecisionDetail<Kind>;
  };
}[DecisionKind];

/** What takes trust back, and what gives it again. */
export type Revocation = Extract<TrustDecision, { readonly kind: 'revoked' | 'reinstated' }>;

/** Who decides what needs no admin. */
export const REFRESH = 'refresh';

/** A decision as it is kept: `detail` is JSON. */
export interface KeptDecision {
  readonly sequence: number;
  readonly at: number;
  readonly kind: string;
  readonly region: string;
  readonly by: string;
  readonly exchange: string;
  readonly detail: string;
}

/** Reads what was kept; undefined for what is no decision of this program's: a later one wrote it. */
export function readDecision(kept: KeptDecision): TrustDecision | undefined {
  if (!Object.hasOwn(FORMS, kept.kind)) return undefined;
  const kind = kept.kind as DecisionKind;
  const parsed = FORMS[kind].safeParse(parseJson(kept.detail));
  if (!parsed.success) return undefined;
  const { sequence, at, region, by, exchange } = kept;
  return { ...{ sequence, at, region, by, exchange }, kind, detail: parsed.data } as TrustDecision;
}

/** @throws z.ZodError for what no decision may say */
export function decisionDetail<Kind extends DecisionKind>(kind: Kind, detail: DecisionDetail<Kind>): string {
  return JSON.stringify(FORMS[kind].parse(detail));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
