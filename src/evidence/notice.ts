import { z } from 'zod';

import { base64url, common, nhsNumberClaim, refusalCode, TYP } from './claims.ts';
import type { AskingKind, Sender } from './query.ts';
import { signBound, type AnswerKind, type QueryRef } from './response.ts';

/** Patients that one message may tell of, regions that one handover may name, and regions of one message in all. */
export const MOST_ITEMS = 200;
export const MOST_REGIONS = 60;
export const MOST_REGIONS_IN_ALL = 1_500;

const region = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/);

/**
 * What one region tells another of one patient: that it holds something itself, or, as the former home, which regions do.
 * Never who treated, when, or what for.
 */
const noticeItem = z.discriminatedUnion('kind', [
  z.strictObject({ patient: nhsNumberClaim, kind: z.literal('held') }),
  z.strictObject({
    patient: nhsNumberClaim,
    kind: z.literal('handover'),
    regions: z
      .array(region)
      .min(1)
      .max(MOST_REGIONS)
      .refine((regions) => new Set(regions).size === regions.length, 'each region once'),
  }),
]);
export type NoticeItem = z.infer<typeof noticeItem>;

/**
 * The items are claims, as a query's searches are: what is signed is then what is kept, in one text, and there is no body
 * that could be another's. At its largest such a token has some 200 KB.
 */
export const noticeClaims = z.strictObject({
  ...common,
  items: z
    .array(noticeItem)
    .min(1)
    .max(MOST_ITEMS)
    .refine((items) => new Set(items.map(keyOf)).size === items.length, 'each patient once of a kind')
    .refine((items) => regionsIn(items) <= MOST_REGIONS_IN_ALL, 'fewer regions in all'),
});
export type NoticeClaims = z.infer<typeof noticeClaims>;

/** It says that the message was taken, and nothing of any patient: it is the same whosever patients they are. */
export const receiptClaims = z.strictObject({
  ...common,
  notice_jti: z.string().max(64),
  notice_digest: base64url,
  outcome: z.enum(['taken', 'refused']),
  /** The HTTP status that the receipt travels with. */
  status: z.int(),
  body_digest: base64url,
  /** As many as the notice has items; a refusal has none. */
  count: z.int().min(1).max(MOST_ITEMS).optional(),
  /** Why it was refused: a code of `docs/protocol.md`. */
  reason: refusalCode.optional(),
  /** The sender's newest checkpoint that a neighbour cosigned (C2SP tlog-checkpoint). */
  checkpoint: z.string().max(8_000).optional(),
});
export type ReceiptClaims = z.infer<typeof receiptClaims>;

export const NOTICE: AskingKind<NoticeClaims> = { typ: TYP.notice, claims: noticeClaims };

export const RECEIPT: AnswerKind<ReceiptClaims> = {
  typ: TYP.receipt,
  claims: receiptClaims,
  boundTo: ({ notice_jti: jti, notice_digest: digest }) => ({ jti, digest }),
};

export type ReceiptBody = Pick<ReceiptClaims, 'outcome' | 'status' | 'count' | 'reason'> & {
  readonly bytes: Buffer;
};

/** Signs the receipt of one notice whose signature was verified, refusals included. */
export function signReceipt(
  sender: Sender,
  { issuer, jti, digest }: QueryRef,
  { bytes, ...said }: ReceiptBody,
  now: number,
) {
  const bound = { notice_jti: jti, notice_digest: digest };
  return signBound(sender, issuer, TYP.receipt, bytes, now, { ...bound, ...said });
}

export function regionsIn(items: readonly NoticeItem[]): number {
  return items.reduce((sum, item) => sum + (item.kind === 'handover' ? item.regions.length : 0), 0);
}

function keyOf({ patient, kind }: NoticeItem): string {
  return `${kind} ${patient}`;
}
