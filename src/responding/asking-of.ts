import type { Asking } from '../audit/trail.ts';
import type { QueryClaims } from '../evidence/claims.ts';
import type { Verified } from '../evidence/query.ts';

/** What every message that a neighbour asks with says of who asks. */
type AskingClaims = Pick<
  QueryClaims,
  'jti' | 'requesting_organization' | 'requesting_user' | 'requesting_user_role' | 'reason_for_request'
> &
  Partial<Pick<QueryClaims, 'relationship' | 'break_glass'>>;

/** Who asks, about whom and what for, as every entry of one message says it: its exchange is the message's `jti`. */
export function askingOf({
  claims,
  nhsNumbers,
}: Pick<Verified<AskingClaims>, 'claims' | 'nhsNumbers'>): Asking {
  const [nhsNumber] = nhsNumbers;
  return {
    ...{ exchange: claims.jti, nhsNumber },
    organisation: claims.requesting_organization,
    user: claims.requesting_user,
    role: claims.requesting_user_role,
    purpose: claims.reason_for_request,
    relationship: claims.relationship,
    breakGlass: claims.break_glass,
  };
}
