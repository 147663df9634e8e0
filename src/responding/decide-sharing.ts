import { ACCESS_REPORT, isInForce } from '../config/agreements.ts';
import type { Agreement } from '../config/schema.ts';
import { PolicyRefusal } from '../errors.ts';
import type { QueryClaims } from '../evidence/claims.ts';
import type { AdmittedQuery, Verified } from '../evidence/query.ts';
import type { Directory } from '../routing/directory.ts';
import type { Objection } from '../store/contracts.ts';

declare const permitted: unique symbol;
/** What one admitted query may see, by the agreement in force. Records are read only with one of these. */
export interface Permission {
  readonly query: AdmittedQuery;
  readonly agreement: Agreement;
  /** An objection is lifted: the glass was broken with a role and code that the agreement names. */
  readonly liftsObjection: boolean;
  readonly [permitted]: true;
}

/**
 * Decides what the sender may see: coverage, agreement, purpose, role. Pure: default is deny.
 *
 * @param agreement the sharing agreement with the sender, if there is one
 * @param at milliseconds since the epoch
 * @throws PolicyRefusal `outside-coverage`, `no-agreement`, `purpose-not-agreed`, `role-not-agreed`
 */
export function decideSharing(
  query: AdmittedQuery,
  agreement: Agreement | undefined,
  directory: Directory,
  at: number,
): Permission {
  const { claims } = query;
  const inForce = agreementFor(query, agreement, directory, at);
  // Whoever may make a patient's report may not read the record for that.
  if (claims.reason_for_request === ACCESS_REPORT) throw new PolicyRefusal('purpose-not-agreed');
  if (!inForce.roles.includes(claims.requesting_user_role)) throw new PolicyRefusal('role-not-agreed');
  const permission: Omit<Permission, typeof permitted> = {
    query,
    agreement: inForce,
    liftsObjection: liftsObjection(claims, inForce),
  };
  return permission as Permission;
}

/**
 * What any question needs: an organisation that the sender speaks for, and an agreement that is in force for its
 * purpose. Who may ask is for each kind of question to say.
 *
 * @throws PolicyRefusal `outside-coverage`, `no-agreement`, `purpose-not-agreed`
 */
export function agreementFor(
  { claims, peer }: Verified<{ requesting_organization: string; reason_for_request: string }>,
  agreement: Agreement | undefined,
  directory: Directory,
  at: number,
): Agreement {
  if (!directory.inCoverage(peer.neighbour.broker.coverage, claims.requesting_organization, at)) {
    throw new PolicyRefusal('outside-coverage');
  }
  if (agreement === undefined || !isInForce(agreement, at)) throw new PolicyRefusal('no-agreement');
  if (!agreement.purposes.includes(claims.reason_for_request)) throw new PolicyRefusal('purpose-not-agreed');
  return agreement;
}

/** True where the glass was broken with a role and code that the agreement names for that. */
export function liftsObjection(
  claims: Pick<QueryClaims, 'break_glass' | 'requesting_user_role'>,
  { break_glass: glass }: Agreement,
): boolean {
  if (glass === undefined || claims.break_glass === undefined) return false;
  const { codes, roles, lifts } = glass;
  return (
    codes.includes(claims.break_glass.code) &&
    roles.includes(claims.requesting_user_role) &&
    lifts.includes('objection')
  );
}

/**
 * Decides, before anything is looked at, whether the patient's objections let anything be said. A restriction
 * is never lifted.
 */
export function isWithheld(permission: Permission, objections: readonly Objection[]): boolean {
  return objections.some((entry) => entry.kind === 'restriction' || !permission.liftsObjection);
}
