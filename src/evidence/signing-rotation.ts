import type { PublicJwk } from '../trust/entity-statement.ts';
import { includesKey } from '../trust/jwk-thumbprint.ts';
import { CLOCK_TOLERANCE_S, LONGEST_LIFE_S } from './message.ts';

/** Our message keys in place, by their public halves. */
export interface RotatingKeys {
  readonly present: PublicJwk;
  readonly next: PublicJwk | undefined;
  readonly former: PublicJwk | undefined;
}

/**
 * Where the rotation of a message key stands: `none`; a next key is `prepared`, and is `published` when the statement in place
 * lists it; the former one is `activated` over while the statement lists it still, and `retired` when it does not.
 */
export type SigningStage = 'none' | 'prepared' | 'published' | 'activated' | 'retired';

/**
 * The stage, by the files and by what our statement in place lists. A former key that is the present one too is that of an
 * activation that was cut short: the next key tells where that stands.
 *
 * @param at milliseconds since the epoch
 */
export function signingStage(
  { present, next, former }: RotatingKeys,
  listed: readonly PublicJwk[],
  at: number,
): SigningStage {
  if (former !== undefined && !includesKey([present], former))
    return includesKey(listed, former) ? 'activated' : 'retired';
  if (next === undefined) return 'none';
  const seconds = at / 1000;
  const inForce = listed.filter(({ nbf, exp }) => (nbf ?? 0) <= seconds && seconds < (exp ?? Infinity));
  return isListed(next, inForce) ? 'published' : 'prepared';
}

/** By its name too: that is what a message says of its key. */
function isListed(key: PublicJwk, listed: readonly PublicJwk[]): boolean {
  return includesKey(
    listed.filter(({ kid }) => kid === key.kid),
    key,
  );
}

/** A broker takes a key within 2 s, and within 30 s where it could not at first. */
const TAKEN_WITHIN_S = 30;
const MARGIN_S = 180;

/** So long after a key was replaced nothing that it signed is good any more, seconds. */
export const REST_S = LONGEST_LIFE_S + CLOCK_TOLERANCE_S + TAKEN_WITHIN_S + MARGIN_S;
