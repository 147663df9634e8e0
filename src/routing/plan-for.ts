import type { CareLocationStore, RegisterEntry, RegisterStore } from '../store/contracts.ts';
import type { Directory } from './directory.ts';
import { planRoute, type Plan, type RouteFacts } from './plan.ts';
import type { RegistrationSource } from './registration.ts';
import type { ToldRegions } from './told-regions.ts';
import { relationshipOf, type Relationship } from './relationship.ts';

/** What planning stands on. */
export interface Planning {
  readonly region: string;
  readonly ownRecords: readonly string[];
  readonly directory: Directory;
  readonly registrations: RegistrationSource;
  readonly careLocations: CareLocationStore;
  /** The region's own register, where it keeps one. */
  readonly register?: Pick<RegisterStore, 'of'>;
  /** What other regions told of where its patients are held. */
  readonly toldRegions?: ToldRegions;
  readonly withoutRegistration: RouteFacts['withoutRegistration'];
  readonly recentMonths: number;
  /** The agreement with a region if it is in force now: what of it the plan depends on. */
  readonly agreementWith: (region: string) => RouteAgreement | undefined;
  readonly patientDigest: (nhsNumber: string) => string;
  readonly now: () => number;
}

export interface RouteAgreement {
  readonly break_glass?:
    | {
        readonly codes: readonly string[];
        readonly roles: readonly string[];
        readonly lifts: readonly string[];
      }
    | undefined;
}

/** Who asks, as far as the plan depends on it. */
export interface PlanFor {
  readonly nhsNumber: string;
  readonly shownByViewer: readonly string[];
  readonly organisation?: string;
  readonly breakGlass?: { readonly code: string; readonly role: string };
  /** The practice that the viewer says the patient is registered with. */
  readonly stated?: string | undefined;
  /** Regions that an earlier page began with, and that have more to tell. */
  readonly continued?: readonly string[] | undefined;
}

export interface PlannedQuestion {
  /** What the plan was decided on. */
  readonly facts: RouteFacts;
  readonly plan: Plan;
  readonly relationship: Relationship;
}

type Waiting = Parameters<RegistrationSource['registrationOf']>[1];

/** Gathers the facts (registration, register, care locations, agreements) and lets the pure planner decide. */
export async function planFor(asker: PlanFor, broker: Planning, deadline: Waiting): Promise<PlannedQuestion> {
  const facts = await gatherFacts(asker, broker, deadline);
  return {
    facts,
    plan: planRoute(facts, broker.directory),
    relationship: relationshipOf(asker.organisation ?? '', facts, broker.directory),
  };
}

/** Everything that the planner decides on. */
export async function gatherFacts(asker: PlanFor, broker: Planning, deadline: Waiting): Promise<RouteFacts> {
  const { nhsNumber, stated } = asker;
  const registration = await broker.registrations.registrationOf(nhsNumber, deadline);
  const numbers = 'current' in registration ? [registration.current, nhsNumber] : [nhsNumber];
  const patients = [...new Set(numbers)].map(broker.patientDigest);
  const [locations, registered, known] = await Promise.all([
    broker.careLocations.of(patients),
    broker.register?.of(patients),
    broker.toldRegions?.of(patients),
  ]);
  const regions = broker.directory.regions().map(({ id }) => id);
  return {
    ...{ nhsNumber, registration, stated },
    careLocations: [...new Set(locations.map((location) => location.organisation))],
    register: presentIn(registered ?? [], patients, broker.now()),
    known: [...(known ?? []), ...continuedBy(asker)],
    own: { region: broker.region, records: broker.ownRecords, shownByViewer: asker.shownByViewer },
    agreed: new Set(regions.filter((id) => broker.agreementWith(id) !== undefined)),
    breakGlass: new Set(regions.filter((id) => liftsAskNone(asker, id, broker))),
    withoutRegistration: broker.withoutRegistration,
    recentMonths: broker.recentMonths,
    at: broker.now(),
  };
}

function continuedBy({ continued = [] }: PlanFor): RouteFacts['known'] {
  return continued.map((region) => ({ region, how: 'continued' }));
}

/** The entry of the current number before that of a superseded one; none for who has left. */
function presentIn(
  entries: readonly RegisterEntry[],
  patients: readonly string[],
  at: number,
): RegisterEntry | undefined {
  const present = entries.filter(({ until }) => until === undefined || until > at);
  return patients
    .map((digest) => present.find(({ patient }) => patient === digest))
    .find((entry) => entry !== undefined);
}

function liftsAskNone({ breakGlass: asked }: PlanFor, region: string, broker: Planning): boolean {
  const glass = broker.agreementWith(region)?.break_glass;
  if (asked === undefined || glass === undefined) return false;
  return (
    glass.codes.includes(asked.code) && glass.roles.includes(asked.role) && glass.lifts.includes('ask-none')
  );
}
