import type { WhyNamed } from '../audit/locate-trail.ts';
import { ACCESS_REPORT } from '../config/agreements.ts';
import type { Agreement } from '../config/schema.ts';
import { PolicyRefusal } from '../errors.ts';
import { MOST_LOCATED, type LocateClaims } from '../evidence/locate.ts';
import type { Admitted } from '../evidence/query.ts';
import type { Directory } from '../routing/directory.ts';
import { homeOf } from '../routing/home-region.ts';
import { isRestricted, type Registration } from '../routing/registration.ts';
import type { KnownRegion, Objection } from '../store/contracts.ts';
import { agreementFor, liftsObjection } from './decide-sharing.ts';

export type AdmittedLocate = Admitted<LocateClaims>;

declare const permitted: unique symbol;
/** An admitted question that the agreement in force allows; whether anything is told of this patient is open. */
export interface LocatePermission {
  readonly question: AdmittedLocate;
  readonly agreement: Agreement;
  /** An objection is lifted: the glass was broken with a role and code that the agreement names. */
  readonly liftsObjection: boolean;
  readonly [permitted]: true;
}

/**
 * Coverage, agreement, purpose, role: as for a query, and that the agreement says where else to look. Pure.
 *
 * @param at milliseconds since the epoch
 * @throws PolicyRefusal as `decideSharing` does, and `locate-not-agreed`
 */
export function decideLocate(
  question: AdmittedLocate,
  agreement: Agreement | undefined,
  directory: Directory,
  at: number,
): LocatePermission {
  const { claims } = question;
  const inForce = agreementFor(question, agreement, directory, at);
  if (claims.reason_for_request === ACCESS_REPORT) throw new PolicyRefusal('purpose-not-agreed');
  if (!inForce.roles.includes(claims.requesting_user_role)) throw new PolicyRefusal('role-not-agreed');
  if (inForce.locate !== true) throw new PolicyRefusal('locate-not-agreed');
  const permission: Omit<LocatePermission, typeof permitted> = {
    ...{ question, agreement: inForce },
    liftsObjection: liftsObjection(claims, inForce),
  };
  return permission as LocatePermission;
}

/** What we know by ourselves of a patient whom a neighbour asks after. */
export interface WhereaboutsKnown {
  readonly registration: Registration;
  readonly objections: readonly Objection[];
  /** ODS codes of where the patient was treated. */
  readonly careLocations: readonly string[];
  /** Regions that told us, or of which the former home told, that they hold something, with who told. */
  readonly knownRegions: readonly Pick<KnownRegion, 'region' | 'from'>[];
}

/** What is told, and why, which is not. */
export interface Naming {
  readonly outcome: 'answered' | 'not-known';
  readonly regions: readonly string[];
  readonly why: WhyNamed;
}

/**
 * Which regions are named: none unless we are the patient's home and nothing hides the patient. An empty list stands for
 * "nobody else", so that it is told of our own patients alone: of any other, as of who is restricted in demographics or could
 * not be looked up, that we do not know. Pure.
 *
 * @param own our own region, which is asked anyway; the one that asks may have records that its viewer does not show
 * @param at milliseconds since the epoch
 * @returns ids in alphabetical order: where the patient went last is nobody's business
 */
export function regionsToName(
  { registration, objections, careLocations, knownRegions }: WhereaboutsKnown,
  permission: Pick<LocatePermission, 'liftsObjection' | 'question'>,
  own: string,
  directory: Directory,
  at: number,
): Naming {
  const unknown = { outcome: 'not-known', regions: [] } as const;
  // Whether the patient is restricted is not known either.
  if (registration.kind === 'not-reached') return { ...unknown, why: 'home-not-known' };
  if (isRestricted(registration)) return { ...unknown, why: 'restricted' };
  const home = homeOf(registration, directory, at);
  if (home.kind === 'none' || home.region !== own) return { ...unknown, why: 'not-home' };
  const hidden = whyHidden(objections, permission);
  if (hidden !== undefined) return { outcome: 'answered', regions: [], why: hidden };
  const treated = careLocations.flatMap((code) => directory.feeds(code, at).map(({ region }) => region));
  const listed = new Set(directory.regions().map(({ id }) => id));
  // What the asker itself told is not told back: it could see by it whether a patient whom it told us of is hidden here.
  const asker = permission.question.peer.neighbour.region;
  const told = knownRegions.filter(({ from }) => from !== asker).map(({ region }) => region);
  const regions = new Set([...told, ...treated]);
  const others = [...regions].filter((id) => listed.has(id) && id !== own);
  return { outcome: 'answered', regions: others.toSorted().slice(0, MOST_LOCATED), why: 'told' };
}

function whyHidden(
  objections: readonly Objection[],
  { liftsObjection: lifts }: Pick<LocatePermission, 'liftsObjection'>,
): WhyNamed | undefined {
  if (objections.some(({ kind }) => kind === 'restriction')) return 'restricted';
  return objections.length > 0 && !lifts ? 'objection' : undefined;
}
