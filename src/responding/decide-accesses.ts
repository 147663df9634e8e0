import type { WhyWithheld } from '../audit/access-trail.ts';
import { ACCESS_REPORT } from '../config/agreements.ts';
import type { Agreement } from '../config/schema.ts';
import { PolicyRefusal } from '../errors.ts';
import type { AccessQuestionClaims } from '../evidence/access-claims.ts';
import type { Admitted } from '../evidence/query.ts';
import type { Directory } from '../routing/directory.ts';
import { homeOf } from '../routing/home-region.ts';
import { isRestricted, type Registration } from '../routing/registration.ts';
import type { Objection } from '../store/contracts.ts';
import { agreementFor } from './decide-sharing.ts';

export type AdmittedQuestion = Admitted<AccessQuestionClaims>;

declare const permitted: unique symbol;
/** An admitted question that the agreement in force allows; whether anything is told of this patient is open. */
export interface AccessPermission {
  readonly question: AdmittedQuestion;
  readonly agreement: Agreement;
  /** The organisation that looked is told too. */
  readonly organisations: boolean;
  readonly [permitted]: true;
}

/**
 * Coverage, agreement, purpose, role: as for a query, with the one purpose and the roles that are for this alone. Pure.
 *
 * @param at milliseconds since the epoch
 * @throws PolicyRefusal `outside-coverage`, `no-agreement`, `purpose-not-agreed`, `role-not-agreed`
 */
export function decideAccesses(
  question: AdmittedQuestion,
  agreement: Agreement | undefined,
  directory: Directory,
  at: number,
): AccessPermission {
  const inForce = agreementFor(question, agreement, directory, at);
  const { reason_for_request: purpose, requesting_user_role: role } = question.claims;
  if (purpose !== ACCESS_REPORT) throw new PolicyRefusal('purpose-not-agreed');
  const report = inForce.access_report;
  if (report?.roles.includes(role) !== true) throw new PolicyRefusal('role-not-agreed');
  const permission: Omit<AccessPermission, typeof permitted> = {
    ...{ question, agreement: inForce },
    organisations: report.organisations,
  };
  return permission as AccessPermission;
}

/**
 * Why nothing is said of this patient; undefined where the asker is the patient's home region, as we know it ourselves.
 * Pure. An objection to sharing does not count: the report is the patient's own.
 *
 * @param asker the region that asks
 * @param registrations of the question's numbers, in their order: the current one first
 */
export function whyWithheld(
  asker: string,
  nhsNumbers: ReadonlySet<string>,
  registrations: readonly Registration[],
  objections: readonly Objection[],
  directory: Directory,
  at: number,
): WhyWithheld | undefined {
  const [current] = nhsNumbers;
  const [first] = registrations;
  if (registrations.some(isRestricted)) return 'restricted';
  if (objections.some(({ kind }) => kind === 'restriction')) return 'restricted';
  if (first === undefined) return 'home-not-known';
  const home = homeOf(first, directory, at);
  if (home.kind === 'none') return 'home-not-known';
  if (home.region !== asker) return 'not-home';
  // A number that we cannot confirm may be another patient's, whose home is elsewhere.
  const isTheirs = (one: Registration): boolean => 'current' in one && one.current === current;
  return registrations.every(isTheirs) ? undefined : 'number-not-confirmed';
}
