import { z } from 'zod';

import {
  auditClaims,
  base64url,
  common,
  nhsNumberClaim,
  personalUser,
  refusalCode,
  regionId,
  relationship,
  retryOf,
  TYP,
} from './claims.ts';
import type { AskingKind, Sender } from './query.ts';
import { signBound, type AnswerKind, type QueryRef } from './response.ts';

/** The most regions that one answer names. */
export const MOST_LOCATED = 64;

/** “You are this patient's home region: who else should be asked?” */
export const locateClaims = z.strictObject({
  ...common,
  ...auditClaims,
  requesting_user: personalUser,
  patient: nhsNumberClaim,
  relationship,
  /** SHA-256 of the viewer's token, which the requester keeps. */
  origin: base64url,
  retry_of: retryOf,
});
export type LocateClaims = z.infer<typeof locateClaims>;

export const locatedClaims = z.strictObject({
  ...common,
  locate_jti: z.string().max(64),
  locate_digest: base64url,
  /** `not-known`: not ours, restricted, or it could not be found out; the list is empty, and stands for nothing. */
  outcome: z.enum(['answered', 'not-known', 'refused']),
  /** The HTTP status that the answer travels with. */
  status: z.int(),
  body_digest: base64url,
  /** Why it was refused: a code of `docs/protocol.md`. */
  reason: refusalCode.optional(),
  /** The sender's newest checkpoint that a neighbour cosigned (C2SP tlog-checkpoint). */
  checkpoint: z.string().max(8_000).optional(),
});
export type LocatedClaims = z.infer<typeof locatedClaims>;

/** The body of an answer: region ids only, each once. Empty for who is hidden and for who is known nowhere else alike. */
export const locatedBody = z.strictObject({
  regions: z
    .array(regionId)
    .max(MOST_LOCATED)
    .refine((ids) => new Set(ids).size === ids.length, 'each once'),
});
export type LocatedBody = z.infer<typeof locatedBody>;

export const LOCATE: AskingKind<LocateClaims> = { typ: TYP.locate, claims: locateClaims };

export const LOCATED: AnswerKind<LocatedClaims> = {
  typ: TYP.located,
  claims: locatedClaims,
  boundTo: ({ locate_jti: jti, locate_digest: digest }) => ({ jti, digest }),
};

/** Signs the answer to one question whose signature was verified, refusals included. */
export function signLocated(
  sender: Sender,
  { issuer, jti, digest }: QueryRef,
  { bytes, ...said }: Pick<LocatedClaims, 'outcome' | 'status' | 'reason'> & { readonly bytes: Buffer },
  now: number,
) {
  const bound = { locate_jti: jti, locate_digest: digest };
  return signBound(sender, issuer, TYP.located, bytes, now, { ...bound, ...said });
}
