import { z } from 'zod';

import {
  auditClaims,
  base64url,
  common,
  LONGEST_CURSOR,
  nhsNumberClaim,
  personalUser,
  readableId,
  regionId,
  TYP,
} from './claims.ts';
import type { AskingKind } from './query.ts';
import type { AnswerKind } from './response.ts';

/** The most accesses of one answer; there is a cursor for more. */
export const MOST_ACCESSES = 500;
/** Superseded numbers that one question may name. */
export const MOST_SUPERSEDED = 4;

const { break_glass: _none, ...asking } = auditClaims;

/** “Who at your side received this patient's record”, as a patient's home region asks its neighbours. */
export const accessQuestionClaims = z
  .strictObject({
    ...common,
    ...asking,
    requesting_user: personalUser,
    patient: nhsNumberClaim,
    /** Superseded numbers of the same patient. */
    patient_also: z.array(nhsNumberClaim).min(1).max(MOST_SUPERSEDED).optional(),
    /** Instants, `from` included, `to` not. */
    from: z.iso.datetime(),
    to: z.iso.datetime(),
    /** Where an earlier answer ended: good for the same question only. */
    cursor: z.string().min(1).max(LONGEST_CURSOR).optional(),
  })
  .refine(({ from, to }) => Date.parse(from) < Date.parse(to), 'from before to');
export type AccessQuestionClaims = z.infer<typeof accessQuestionClaims>;

export const accessAnswerClaims = z.strictObject({
  ...common,
  question_jti: z.string().max(64),
  question_digest: base64url,
  /** `partial`: the body says what it does not tell of. */
  outcome: z.enum(['answered', 'none', 'partial', 'withheld', 'refused']),
  /** The HTTP status that the answer travels with. */
  status: z.int(),
  body_digest: base64url,
  /** How many accesses the body tells of; absent when nothing is said. */
  count: z.int().min(0).max(MOST_ACCESSES).optional(),
  /** Why it was refused: a code of `docs/protocol.md`. */
  reason: z.string().max(40).optional(),
  /** The sender's newest checkpoint that a neighbour cosigned (C2SP tlog-checkpoint). */
  checkpoint: z.string().max(8_000).optional(),
});
export type AccessAnswerClaims = z.infer<typeof accessAnswerClaims>;

export const ACCESS_QUESTION: AskingKind<AccessQuestionClaims> = {
  typ: TYP.accessQuestion,
  claims: accessQuestionClaims,
};

export const ACCESS_ANSWER: AnswerKind<AccessAnswerClaims> = {
  typ: TYP.accessAnswer,
  claims: accessAnswerClaims,
  boundTo: ({ question_jti: jti, question_digest: digest }) => ({ jti, digest }),
};

/** A code as this federation writes one: what does not look like one may be somebody's words, and does not travel. */
export const toldCode = z.string().regex(/^[a-z][a-z0-9-]{0,39}$/);
/** SDS job role, and ODS code. */
export const toldRole = z.string().regex(/^R\d{4}$/);
export const toldOrganisation = z.string().regex(/^[A-Z0-9]{3,12}$/);
/** The most regions, and the most queries, that one look names; and the most types. */
export const MOST_PARTS = 64;
export const MOST_TYPES = 200;

const count = z.int().min(0).max(1_000_000_000);

/** One look at the record at the answering side. It names no user, and gives no reason in words. */
const toldAccess = z.strictObject({
  /** When it began, milliseconds since the epoch. */
  at: z.int().min(0),
  kind: z.enum(['shown', 'nothing-shown', 'refused-here', 'unfinished']),
  role: toldRole.optional(),
  purpose: toldCode.optional(),
  /** Only where the agreement says so. */
  organisation: toldOrganisation.optional(),
  break_glass: z.strictObject({ code: toldCode.optional() }).optional(),
  /** Code of a refusal. */
  reason: toldCode.optional(),
  regions: z
    .array(z.strictObject({ region: regionId, outcome: toldCode.optional(), count: count.optional() }))
    .max(MOST_PARTS),
  count,
  /** By type; absent where that is not known any more: it was erased. */
  types: z
    .array(z.strictObject({ type: z.string().regex(/^[A-Z][A-Za-z]{1,60}$/), count }))
    .max(MOST_TYPES)
    .optional(),
  /** The queries that were sent for it: each is at the other end too. */
  jtis: z.array(readableId).max(MOST_PARTS),
});
export type ToldAccess = z.infer<typeof toldAccess>;

/** The body of an answer: the newest accesses first. Empty where nothing is said. */
export const accessBody = z.strictObject({
  accesses: z.array(toldAccess).max(MOST_ACCESSES),
  next: z.string().min(1).max(LONGEST_CURSOR).optional(),
  /** Entries of that time that were not looked at: archived in files, or broken. */
  missing: z.enum(['archived', 'unreadable']).optional(),
});
export type AccessBody = z.infer<typeof accessBody>;
