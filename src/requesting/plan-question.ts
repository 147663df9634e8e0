import type { Deadline } from '../deadline.ts';
import { onlyRecord, planRoute, type Plan } from '../routing/plan.ts';
import type { Registration } from '../routing/registration.ts';
import { relationshipOf, type Relationship } from '../routing/relationship.ts';
import type { AuthenticatedViewer } from './authenticate-viewer.ts';
import type { PatientRef } from './question.ts';
import type { Requesting } from './requesting.ts';

export interface PlannedQuestion {
  readonly plan: Plan;
  readonly relationship: Relationship;
}

/** What planning stands on: a part of everything that asking does. */
export type Planning = Pick<
  Requesting,
  | 'region'
  | 'ownRecords'
  | 'directory'
  | 'registrations'
  | 'careLocations'
  | 'withoutRegistration'
  | 'agreementWith'
  | 'patientDigest'
  | 'now'
>;

/** Who asks, as far as the plan depends on it. */
export interface PlanFor {
  readonly nhsNumber: string;
  readonly shownByViewer: readonly string[];
  readonly organisation?: string;
  readonly breakGlass?: { readonly code: string; readonly role: string };
}

/** Plans one viewer's question; a question about one record's own Patient asks that record alone. */
export async function planQuestion(
  { viewer, claims, nhsNumber, role }: AuthenticatedViewer,
  patient: PatientRef,
  broker: Planning,
  deadline: Deadline,
): Promise<PlannedQuestion> {
  const { break_glass: glass, requesting_organization: organisation } = claims;
  const breakGlass = glass === undefined ? {} : { breakGlass: { code: glass.code, role } };
  const asker = { nhsNumber, shownByViewer: viewer.own_records, organisation, ...breakGlass };
  const planned = await planFor(asker, broker, deadline);
  if (patient.kind !== 'regional') return planned;
  return { ...planned, plan: onlyRecord(planned.plan, patient.region, patient.record) };
}

/** Gathers the facts (registration, care locations, agreements) and lets the pure planner decide. */
export async function planFor(
  asker: PlanFor,
  broker: Planning,
  deadline: Deadline,
): Promise<PlannedQuestion> {
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
