import type { CareLocationStore } from '../store/contracts.ts';
import type { Directory } from './directory.ts';
import { planRoute, type Plan, type RouteFacts } from './plan.ts';
import type { Registration, RegistrationSource } from './registration.ts';
import { relationshipOf, type Relationship } from './relationship.ts';

/** What planning stands on. */
export interface Planning {
  readonly region: string;
  readonly ownRecords: readonly string[];
  readonly directory: Directory;
  readonly registrations: RegistrationSource;
  readonly careLocations: CareLocationStore;
  readonly withoutRegistration: RouteFacts['withoutRegistration'];
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
}

export interface PlannedQuestion {
  readonly plan: Plan;
  readonly relationship: Relationship;
}

type Waiting = Parameters<RegistrationSource['registrationOf']>[1];

/** Gathers the facts (registration, care locations, agreements) and lets the pure planner decide. */
export async function planFor(asker: PlanFor, broker: Planning, deadline: Waiting): Promise<PlannedQuestion> {
  const { nhsNumber, organisation = '' } = asker;
  const registration = await broker.registrations.registrationOf(nhsNumber, deadline);
  const careLocations = await careLocationsOf(nhsNumber, registration, broker);
  const regions = broker.directory.regions().map(({ id }) => id);
  const plan = planRoute(
    {
      nhsNumber,
      registration,
      careLocations,
      own: { region: broker.region, records: broker.ownRecords, shownByViewer: asker.shownByViewer },
      agreed: new Set(regions.filter((id) => broker.agreementWith(id) !== undefined)),
      breakGlass: new Set(regions.filter((id) => liftsAskNone(asker, id, broker))),
      withoutRegistration: broker.withoutRegistration,
      at: broker.now(),
    },
    broker.directory,
  );
  return { plan, relationship: relationshipOf(organisation, registration, careLocations) };
}

async function careLocationsOf(
  nhsNumber: string,
  registration: Registration,
  broker: Planning,
): Promise<string[]> {
  const numbers = 'current' in registration ? [nhsNumber, registration.current] : [nhsNumber];
  const locations = await broker.careLocations.of([...new Set(numbers)].map(broker.patientDigest));
  return [...new Set(locations.map((location) => location.organisation))];
}

function liftsAskNone({ breakGlass: asked }: PlanFor, region: string, broker: Planning): boolean {
  const glass = broker.agreementWith(region)?.break_glass;
  if (asked === undefined || glass === undefined) return false;
  return (
    glass.codes.includes(asked.code) && glass.roles.includes(asked.role) && glass.lifts.includes('ask-none')
  );
}
