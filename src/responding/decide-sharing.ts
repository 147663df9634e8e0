import { isInForce } from '../config/agreements.ts';
import type { Agreement } from '../config/schema.ts';
import { PolicyRefusal } from '../errors.ts';
import type { AdmittedQuery } from '../evidence/query.ts';
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
  const { claims, peer } = query;
  if (!directory.inCoverage(peer.neighbour.broker.coverage, claims.requesting_organization, at)) {
    throw new PolicyRefusal('outside-coverage');
  }
  if (agreement === undefined || !isInForce(agreement, at)) throw new PolicyRefusal('no-agreement');
  if (!agreement.purposes.includes(claims.reason_for_request)) throw new PolicyRefusal('purpose-not-agreed');
  if (!agreement.roles.includes(claims.requesting_user_role)) throw new PolicyRefusal('role-not-agreed');
  const glass = agreement.break_glass;
  const broken =
    glass !== undefined &&
    claims.break_glass !== undefined &&
    glass.codes.includes(claims.break_glass.code) &&
    glass.roles.includes(claims.requesting_user_role);
  const permission: Omit<Permission, typeof permitted> = {
    query,
    agreement,
    liftsObjection: broken && glass.lifts.includes('objection'),
  };
  return permission as Permission;
}

/**
 * Decides, before anything is looked at, whether the patient's objections let anything be said. A restriction
 * is never lifted.
 */
export function isWithheld(permission: Permission, objections: readonly Objection[]): boolean {
  return objections.some((entry) => entry.kind === 'restriction' || !permission.liftsObjection);
}
