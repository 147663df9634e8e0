import { z } from 'zod';

import { fromNhsNumberToken } from '../fhir/nhs-number.ts';

/** JOSE `typ` of each message, so that one kind can never pass for another (RFC 8725, 3.11). */
export const TYP = {
  query: 'wayleave-query+jwt',
  response: 'wayleave-response+jwt',
  accessQuestion: 'wayleave-access-question+jwt',
  accessAnswer: 'wayleave-access-answer+jwt',
  ping: 'wayleave-ping+jwt',
  pong: 'wayleave-pong+jwt',
  locate: 'wayleave-locate+jwt',
  located: 'wayleave-located+jwt',
  notice: 'wayleave-notice+jwt',
  receipt: 'wayleave-receipt+jwt',
} as const;

export const shortText = z.string().min(1).max(200);
/** Why a neighbour refused: a code, in the leaves and in what is logged. No text of its own fits, and no number. */
export const refusalCode = z.string().regex(/^[a-z][a-z-]{0,39}$/, 'a code');
export const base64url = z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'a SHA-256 digest in base64url');
export const nhsNumberClaim = z
  .string()
  .refine((token) => fromNhsNumberToken(token) !== undefined, 'an NHS number');

/** RFC 8705: the certificate of the socket that the message leaves by. */
const confirmation = z.object({ 'x5t#S256': base64url });

/** A region's id, as in `docs/protocol.md`. */
export const regionId = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/);

/** How the organisation that asks stands to the patient, as far as its own broker knows. */
export const relationship = z.enum(['registered', 'encounter', 'referral', 'asserted']);

/** RFC 3986's unreserved characters alone: it stands openly in leaves and in what is streamed. */
export const readableId = z.string().regex(/^[A-Za-z0-9._~-]{1,64}$/, 'letters, digits and . _ ~ -');

/** Claims that every message between brokers carries. Times are seconds since the epoch (RFC 7519). */
export const common = {
  iss: z.url(),
  /** Exactly one receiver, as a string: a neighbour must not learn who else is asked. */
  aud: z.url(),
  iat: z.number().int(),
  exp: z.number().int(),
  jti: readableId.min(16),
  /** The sender's entity statement sequence. */
  stmt: z.number().int().nonnegative(),
  cnf: confirmation,
};

/** Limits of one query: the shape of what a viewer's whole-record question needs, and no more. */
export const MOST_SEARCHES = 256;
export const LONGEST_SEARCH = 2000;
export const LONGEST_CURSOR = 2000;

const search = z.strictObject({
  id: z.string().regex(/^[A-Za-z0-9-]{1,64}$/),
  /** A FHIR search without a patient parameter: the responder adds that. */
  query: z.string().min(1).max(LONGEST_SEARCH),
  record: shortText.optional(),
  cursor: z.string().max(LONGEST_CURSOR).optional(),
});

/** `Type/id` of one resource. `.` and `..` are ids by FHIR's letters, and other addresses in a URL. */
const localName = z.string().regex(/^[A-Z][A-Za-z]{1,40}\/(?!\.{1,2}$)[A-Za-z0-9.-]{1,64}$/, 'Type/id');

const read = z.strictObject({ record: shortText, resource: localName, via: localName.optional() });

const SHARED_ACCOUNTS = new Set([
  'unk',
  'unknown',
  'shared',
  'generic',
  'system',
  'admin',
  'test',
  'anonymous',
  'user',
]);

/** True for `system|id` whose id may be a person's: unknown and shared accounts are nobody. */
export function isPersonal(user: string): boolean {
  const [system, id, ...more] = user.split('|');
  if (system === undefined || id === undefined || more.length > 0) return false;
  return /^https:\/\//.test(system) && /^[\w.@-]{2,100}$/.test(id) && !SHARED_ACCOUNTS.has(id.toLowerCase());
}

/** The audit claims of a query, with Spine's names (NRL and Spine core), here signed. */
export const auditClaims = {
  reason_for_request: shortText,
  scope: shortText,
  requesting_system: shortText,
  requesting_organization: shortText,
  requesting_user: shortText,
  requesting_user_role: shortText,
  break_glass: z.strictObject({ code: shortText, reason: z.string().min(3).max(500) }).optional(),
};

/** Who asks, as it is named between brokers. */
export const personalUser = shortText.refine(isPersonal, 'a person, not a shared account');

/** `jti` of the message that this one repeats: of that nothing of an answer came. */
export const retryOf = readableId.optional();

export const queryClaims = z
  .object({
    ...common,
    ...auditClaims,
    requesting_user: personalUser,
    patient: nhsNumberClaim,
    /** A superseded number of the same patient: either satisfies the subject check. */
    patient_also: nhsNumberClaim.optional(),
    search: z.array(search).min(1).max(MOST_SEARCHES).optional(),
    read: read.optional(),
    /** What the resources refer to directly and is about no patient comes with them (FHIR R4, `$everything`). */
    referenced: z.boolean().optional(),
    relationship,
    /** SHA-256 of the viewer's token, which the requester keeps. */
    origin: base64url,
    retry_of: retryOf,
  })
  .refine((claims) => (claims.search === undefined) !== (claims.read === undefined), 'either search or read');

export type QueryClaims = z.infer<typeof queryClaims>;
export type SearchClaim = z.infer<typeof search>;

/** How one record answered one search. `reason` says why when it did not answer in full. */
export const sourceOutcome = z.enum([
  'answered',
  'none',
  'partial',
  'withheld',
  'not-offered',
  'not-reached',
]);

const source = z.object({
  record: shortText,
  search: z.string().max(64),
  outcome: sourceOutcome,
  /** Entries released for this search, includes left out. */
  count: z.number().int().nonnegative(),
  total: z.number().int().nonnegative().optional(),
  /** Sealed by the responder: good for the same requester, patient, search and record only. */
  cursor: z.string().max(LONGEST_CURSOR).optional(),
  as_of: z.string().max(40).optional(),
  reason: z.string().max(40).optional(),
});

export type Source = z.infer<typeof source>;

export const responseClaims = z.object({
  ...common,
  query_jti: z.string(),
  query_digest: base64url,
  outcome: z.enum(['answered', 'none', 'partial', 'withheld', 'not-offered', 'not-reached', 'refused']),
  /** The HTTP status that the response travels with. */
  status: z.number().int(),
  body_digest: base64url,
  resources_digest: base64url.optional(),
  /** Absent when the outcome is `withheld` or `refused`: neither says what is there. */
  sources: z
    .array(source)
    .max(MOST_SEARCHES * 4)
    .optional(),
  /** Why a query was refused or withheld: a code of `docs/protocol.md`. */
  reason: z.string().max(40).optional(),
  /** Care settings that the agreement leaves out by design, whoever the patient is. */
  settings_not_offered: z.array(shortText).max(32).optional(),
  /** The sender's newest checkpoint that a neighbour cosigned (C2SP tlog-checkpoint). */
  checkpoint: z.string().max(8_000).optional(),
});

export type ResponseClaims = z.infer<typeof responseClaims>;
