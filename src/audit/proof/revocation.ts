import type { Revocable, RevocationReason } from '../../trust/decisions.ts';

/** What a region decided about a neighbour's key, certificate or whole, as an entry of its log tells it. */
export interface Decided {
  /** Its number among the region's decisions on trust. */
  readonly decision: number;
  /** The log, and the entry in it. */
  readonly log: string;
  readonly entry: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The neighbour. */
  readonly region: string;
  readonly what: Revocable;
  /** Whether a signed checkpoint covers the entry. Whoever had the file in hand can have made up one that none does. */
  readonly proved: boolean;
  /** Undefined for what takes a revocation back. */
  readonly revoked:
    { readonly reason: RevocationReason; readonly compromisedSince: number | undefined } | undefined;
}

/** A revocation, and the decision that took it back, if one did. */
export interface Revocation extends Decided {
  readonly revoked: NonNullable<Decided['revoked']>;
  readonly reinstated: Decided | undefined;
}

/** When something was signed, by its own word, beside what was decided about its signer. */
export type SignedWhen =
  | 'before-compromise'
  | 'since-compromise'
  | 'compromise-undated'
  | 'before-revocation'
  | 'while-revoked'
  | 'after-reinstatement';

/** A revocation as a verdict tells it; instants in ISO 8601. */
export interface ToldRevocation {
  readonly region: string;
  readonly what: Revocable;
  readonly reason: RevocationReason;
  readonly compromisedSince?: string;
  readonly revokedAt: string;
  readonly reinstatedAt?: string;
  /** Whose decision it is, and the entry of which log tells it. */
  readonly decidedBy: string;
  readonly log: string;
  readonly entry: number;
  /** False where no signed checkpoint covers that entry: the decision is the file's own word. */
  readonly proved: boolean;
  readonly signedAt: string;
  readonly signed: SignedWhen;
  /** Who cosigned, before the compromise, a checkpoint that covers what was signed. */
  readonly witnessed?: readonly { readonly witness: string; readonly at: string }[];
}

/**
 * What is not proved takes back nothing that is: whoever had the file in hand can have made it up.
 *
 * @param decided in the order in which it was decided
 */
export function revocationsIn(decided: readonly Decided[]): Revocation[] {
  return decided.flatMap((one, nth): Revocation[] => {
    if (one.revoked === undefined) return [];
    const next = decided.slice(nth + 1).find((other) => isOfSame(one, other));
    const isTakenBack = next?.revoked === undefined && (next?.proved === true || !one.proved);
    return [{ ...one, revoked: one.revoked, reinstated: isTakenBack ? next : undefined }];
  });
}

export function isOfSame(one: Decided, other: Decided): boolean {
  return one.region === other.region && nameOf(one.what) === nameOf(other.what);
}

/** What was revoked, in one text. */
export function nameOf(what: Revocable): string {
  switch (what.kind) {
    case 'neighbour':
      return 'neighbour';
    case 'message-key':
      return `message-key ${what.kid}`;
    case 'certificate':
      return `certificate ${what.thumbprint}`;
  }
}

/**
 * How a signature stands to a revocation. Of what was signed within the second of a decision the worse is told; where nobody
 * said since when a key was in another's hands, it may have been when this was signed.
 *
 * @param seconds since the epoch: when it was signed, by its own word
 */
export function signedWhen(seconds: number, revocation: Revocation): SignedWhen {
  const { at, reinstated } = revocation;
  const [from, until] = [seconds * 1000, (seconds + 1) * 1000];
  const compromisedSince = compromisedFrom(revocation);
  if (compromisedSince !== undefined && until <= compromisedSince) return 'before-compromise';
  if (reinstated !== undefined && from >= reinstated.at) return 'after-reinstatement';
  if (isCompromise(revocation))
    return compromisedSince === undefined ? 'compromise-undated' : 'since-compromise';
  return until <= at ? 'before-revocation' : 'while-revoked';
}

/** Since when it may have been in another's hands: no later than it was decided, whatever was said. Milliseconds since the epoch. */
export function compromisedFrom({ at, revoked }: Pick<Revocation, 'at' | 'revoked'>): number | undefined {
  return revoked.compromisedSince === undefined ? undefined : Math.min(revoked.compromisedSince, at);
}

/** Whether somebody said that another may have had what was revoked: by the reason, or by a date. */
export function isCompromise({
  revoked: { reason, compromisedSince },
}: Pick<Revocation, 'revoked'>): boolean {
  return compromisedSince !== undefined || reason === 'key-compromise' || reason === 'ca-compromise';
}
