import type { ExportedEntry } from './log-export.ts';

/** What the two ends of one query wrote of it. */
export interface Sides {
  readonly jti: string;
  /** Region that asked. */
  requester: string;
  responder: string;
  sent?: ExportedEntry;
  /** `response-believed`, `response-not-believed` or `not-reached`. */
  told?: ExportedEntry;
  received?: ExportedEntry;
  /** Answered, withheld or refused. A replay is refused too, so that there may be several. */
  readonly ended: ExportedEntry[];
  newest: number;
  oldest: number;
}

/** Something that one end has and the other has not, or that does not fit. */
export type Difference =
  /** The requester holds a signed response; the responder has nothing of the exchange: suppressed, or lost. */
  | 'exchange-missing-at-responder'
  | 'query-missing-at-responder'
  | 'answer-missing-at-responder'
  /** The responder was asked in the requester's name; the requester has nothing of it. */
  | 'exchange-missing-at-requester'
  | 'query-missing-at-requester'
  /** The requester neither kept an answer nor that it got none. */
  | 'answer-missing-at-requester'
  /** A message that the responder refused, and that the requester did not send to it. */
  | 'refusal-unknown-to-requester'
  | 'query-digest-differs'
  | 'response-digest-differs'
  | 'times-apart';

/** What looks like a difference and is none: how a network and a power cut look from both ends. */
export type ToldApart =
  /** The responder answered; nothing that could be believed reached the requester. */
  | 'answer-lost'
  | 'answer-not-believed'
  /** The query did not reach the responder, or was refused before its sender was proved. */
  | 'query-not-received'
  | 'requester-interrupted'
  /** So young, or so near the edge of the time compared, that the other end may not have it yet. */
  | 'unsettled';

export type Verdict =
  | { readonly kind: 'agrees' }
  | { readonly kind: 'told-apart'; readonly code: ToldApart }
  | { readonly kind: 'differs'; readonly codes: readonly Difference[] };

const AGREES: Verdict = { kind: 'agrees' };

/**
 * Judges one query by what both ends kept of it.
 *
 * @param interrupted the requester's log says that it was stopped in the middle of it
 */
export function judge(sides: Sides, toleranceMs: number, interrupted: boolean): Verdict {
  const missing = missingIn(sides, interrupted);
  const codes = [...missing, ...unfitting(sides, toleranceMs)];
  if (codes.length > 0) return { kind: 'differs', codes };
  const code = toldApart(sides, interrupted);
  return code === undefined ? AGREES : { kind: 'told-apart', code };
}

function missingIn({ sent, told, received, ended }: Sides, interrupted: boolean): Difference[] {
  const believed = told?.event === 'response-believed';
  if (sent === undefined && told === undefined) {
    return [received === undefined ? 'refusal-unknown-to-requester' : 'exchange-missing-at-requester'];
  }
  const found: Difference[] = [];
  if (sent === undefined) found.push('query-missing-at-requester');
  if (received === undefined && ended.length === 0) {
    if (believed) found.push('exchange-missing-at-responder');
    return found;
  }
  // A message that is refused before it is admitted as a query has a refusal, and no receipt.
  if (received === undefined && ended.some(({ event }) => event !== 'query-refused')) {
    found.push('query-missing-at-responder');
  }
  if (believed && ended.length === 0) found.push('answer-missing-at-responder');
  if (told === undefined && ended.length > 0 && !interrupted) found.push('answer-missing-at-requester');
  return found;
}

function unfitting({ sent, told, received, ended }: Sides, toleranceMs: number): Difference[] {
  const found: Difference[] = [];
  if (differ(sent?.query_digest, received?.query_digest)) found.push('query-digest-differs');
  const heard = told?.response_digest;
  if (heard !== undefined && ended.length > 0 && ended.every((end) => differ(end.response_digest, heard))) {
    found.push('response-digest-differs');
  }
  const apart = sent && received && Math.abs(sent.at - received.at) > toleranceMs;
  // Nobody believes an answer before it is given; after it, the requester may be waiting for other regions.
  const early = told && ended.length > 0 && ended.every((end) => end.at - told.at > toleranceMs);
  if (apart === true || early === true) found.push('times-apart');
  return found;
}

function toldApart({ told, received, ended }: Sides, interrupted: boolean): ToldApart | undefined {
  if (told === undefined && interrupted) return 'requester-interrupted';
  if (told?.event === 'response-not-believed') return 'answer-not-believed';
  if (told?.event === 'not-reached' && ended.length > 0) return 'answer-lost';
  return received === undefined && ended.length === 0 ? 'query-not-received' : undefined;
}

function differ(one: string | undefined, other: string | undefined): boolean {
  return one !== undefined && other !== undefined && one !== other;
}
